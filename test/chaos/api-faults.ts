/** Writes that are too many, or that are none. */
import type { ApiClient } from "../../src/client/index.ts";
import { type Fault, one } from "./fault.ts";
import { entry, generation } from "./shape.ts";

const [callers, appliesEach] = [20, 15];
const brokenName = "broken";

const floodOfApplies: Fault = {
  name: "API: a flood of applies",
  lastsMs: 0,
  async begin({ ledger }, healing) {
    const flood = Promise.all(
      Array.from({ length: callers }, async () => {
        for (let i = 0; i < appliesEach; i++) await ledger.write();
      }),
    );
    healing.defer(async () => void (await flood));
    return { hit: `${callers * appliesEach} applies, ${callers} at a time` };
  },
};

/** Compiles to nothing: it is taken, and quarantined. */
const uncompilable = {
  apiVersion: "weft.dev/v1alpha1",
  kind: "AuthorizationPolicy",
  metadata: { name: brokenName, namespace: "default" },
  spec: {
    selector: { matchLabels: { app: "nobody-has-this" } },
    action: "Deny",
    rules: [{ when: [{ expression: "request.path.nothing(" }] }],
  },
};

const noObjects: readonly (readonly unknown[])[] = [
  [{ ...entry(1), unknown: true }],
  [{ kind: "Nothing" }, 5, null],
  [{ ...generation(1)[0], spec: "no" }],
];

const brokenObjects: Fault = {
  name: "API: objects that cannot compile, and what is no object at all",
  lastsMs: 1_000,
  async begin({ mesh, random }, healing) {
    const { client } = one(mesh.controls, random);
    healing.defer(() => deleteBroken(client));
    const taken = await Promise.allSettled(
      [[uncompilable], ...noObjects].map((objects) => client.transact({ message: "broken", objects })),
    );
    const refused = taken.slice(1).filter(({ status }) => status === "rejected").length;
    if (refused < noObjects.length) throw new Error(`only ${refused} of ${noObjects.length} were refused`);
    return { hit: `${refused} of ${noObjects.length} refused` };
  },
};

/** It may have been refused at once. */
async function deleteBroken(client: ApiClient): Promise<void> {
  const deletions = [{ kind: "AuthorizationPolicy", namespace: "default", name: brokenName } as const];
  await client.transact({ message: "away with it", deletions }).catch(() => undefined);
}

export const apiFaults: readonly Fault[] = [floodOfApplies, brokenObjects];
