/**
 * What is said of a route at each of its parents. What the route is by itself is found when it is compiled; whether it
 * has its place against routes of other kinds is found here, once all of them are compiled.
 */
import type { Attachment } from "./compiled-route.ts";
import type { InputReader } from "./inputs.ts";
import { canCarry, protocolOf } from "./protocol.ts";
import { attachesToPort, placeKey } from "./route-conflicts.ts";
import type { JudgedParent, JudgedRoute } from "./judged-route.ts";
import type { ParentInput } from "./route-input.ts";
import { type ComputedCondition, type ComputedParentStatus, condition, type StatusUpdate } from "./status.ts";

/** `key` is a `routeKey`. */
export function routeStatus(inputs: InputReader, key: string): StatusUpdate | undefined {
  const judged = inputs.judgedRoute(key);
  if (judged === undefined) return undefined;
  const { kind, namespace, name, generation, parents } = judged;
  return {
    kind,
    namespace,
    name,
    observedGeneration: generation,
    status: {
      kind: "route",
      parents: parents.map(
        (parent): ComputedParentStatus => ({
          parentRef: parentReference(parent.parent),
          conditions: [
            ...(findConflict(inputs, judged, parent) ?? parent.acceptance),
            ...(parent.resolution === undefined ? [] : [parent.resolution]),
          ],
        }),
      ),
    },
  };
}

/** The reference as the route has it, without what was not written. */
function parentReference(parent: ParentInput): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parent).filter(([, value]) => value !== undefined));
}

/** Gateway API: a route is accepted where one of its places is its own. */
function findConflict(
  inputs: InputReader,
  route: JudgedRoute,
  { attachments, acceptance }: JudgedParent,
): ComputedCondition[] | undefined {
  const [first] = attachments;
  if (first === undefined || acceptance.some(({ status }) => status === "False")) return undefined;
  if (!attachments.every((each) => isLost(inputs, route, each))) return undefined;
  const message =
    first.kind === "Service"
      ? `routes of a more specific kind are attached to Service ${first.parent}`
      : `an older route of another kind has the hostnames at Gateway ${first.parent}`;
  return [condition("Accepted", false, "Conflicted", message)];
}

function isLost(
  inputs: InputReader,
  { kind, namespace, name }: JudgedRoute,
  attachment: Attachment,
): boolean {
  const { parent } = attachment;
  if (attachment.kind === "Gateway") {
    return inputs.conflictsAt(parent, kind).has(placeKey({ kind, path: `${namespace}/${name}` }, attachment));
  }
  const rivals = inputs.rivalsOf(attachment, kind).filter((route) => route.namespace === namespace);
  if (rivals.length === 0) return false;
  const ports = (inputs.service(parent)?.ports ?? []).filter(
    (port) =>
      port.transport === "TCP" &&
      (attachment.port === undefined || attachment.port === port.port) &&
      canCarry(kind, protocolOf(port)),
  );
  return ports.every((port) =>
    rivals.some(
      (rival) => canCarry(rival.kind, protocolOf(port)) && attachesToPort(rival, parent, port.port),
    ),
  );
}
