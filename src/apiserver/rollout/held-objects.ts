/** What is being tried out belongs to its rollout until that has ended: a write to it would change what is judged. */
import { type ConfigRollout, keyText } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import type { PlannedWrite } from "../authorization/role-writes.ts";
import { sameContent } from "../same-content.ts";

/** Throws `conflict` for an object of a rollout under way, `forbidden` for a rollout itself. `own`: the rollout whose write it is. */
export function refuseHeld(store: Store, writes: readonly PlannedWrite[], own: string | undefined): void {
  if (writes.some(({ key }) => key.kind === "ConfigRollout")) {
    throw new WeftError("forbidden", "ConfigRollouts are written by the control plane alone", {
      hint: "weft apply --canary begins one; weft rollout promote and abort end one",
    });
  }
  for (const rollout of store.list({ kind: "ConfigRollout" }).items) {
    if (rollout.status.phase !== "Watching" || rollout.metadata.name === own) continue;
    const held = heldBy(rollout);
    const first = writes.find((write) => held.has(keyText(write.key)) && isChange(write));
    if (first === undefined) continue;
    throw new WeftError("conflict", `${keyText(first.key)} is being tried out by ${rollout.metadata.name}`, {
      hint: "wait for its end, or weft rollout promote or abort it",
    });
  }
}

/** Files are applied whole: what of them is as it was touches nothing. */
function isChange({ existing, object }: PlannedWrite): boolean {
  return object === undefined || existing === undefined || !sameContent(existing, object);
}

function heldBy({ spec }: ConfigRollout): Set<string> {
  return new Set(
    spec.changes.map(({ kind, namespace, name }) =>
      namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`,
    ),
  );
}
