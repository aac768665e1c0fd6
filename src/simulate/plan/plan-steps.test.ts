/** However large the mesh and the change, a step of a plan looks at few objects: who shares the event loop waits for one step. */
import { expect, test } from "bun:test";
import { keyOf, type Stored, storedOf } from "../../api/index.ts";
import type { Steps } from "../../kernel/index.ts";
import { documents, readObjects, service, workload } from "../testing.ts";
import { SimulatedMesh } from "../simulated-mesh.ts";
import type { PlannedProxy } from "./effective-change.ts";
import { planChange } from "./plan.ts";
import { TrackedMesh } from "./tracked-mesh.ts";

const services = 800;
const workloadsOfService = 4;
/** Times that a step may look at objects. One pass over all of them is three times as much, one over each pair a thousand times. */
const maxLooks = 5_000;
const trustDomain = "test.example";

let looks = 0;

/** The same object, of which every look at its metadata counts. */
function watched(object: Stored): Stored {
  const { metadata } = object;
  return Object.defineProperty({ ...object }, "metadata", {
    enumerable: true,
    get() {
      looks++;
      return metadata;
    },
  });
}

/** How many steps there are, and what the busiest of them looked at. */
function measure(steps: Steps<unknown>): { count: number; most: number; all: number } {
  const measured = { count: 0, most: 0, all: 0 };
  for (;;) {
    looks = 0;
    const { done } = steps.next();
    measured.count++;
    measured.most = Math.max(measured.most, looks);
    measured.all += looks;
    if (done === true) return measured;
  }
}

const route = (name: string, weight: number) =>
  JSON.stringify({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name }],
      rules: [{ backendRefs: [{ name, port: 80, weight }] }],
    },
  });
const names = Array.from({ length: services }, (_, index) => `s${index}`);
const { objects: written } = readObjects(
  documents(
    ...names.flatMap((name, index) => [
      service(name, 80),
      route(name, 1),
      ...Array.from({ length: workloadsOfService }, (_, own) =>
        workload(`${name}-${own}`, {
          address: `10.${own}.${Math.floor(index / 250)}.${(index % 250) + 1}`,
          labels: { app: name },
          ports: [{ port: 80, protocol: "http" }],
        }),
      ),
    ]),
  ),
);
const objects = written.map(watched);
const proxies = names.map(
  (name, index): PlannedProxy => ({
    role: "sidecar",
    name: `default/${name}-0`,
    roots: [
      { kind: "Mesh", key: "mesh" },
      { kind: "Inbound", key: `default/${name}-0` },
      ...[1, 2, 3].map(
        (step) => ({ kind: "Outbound", key: `default/s${(index + step) % services}:80@default` }) as const,
      ),
    ],
  }),
);

/** As the store would hold it next, in place of what there is. */
function next(yaml: string): Stored[] {
  return readObjects(yaml).objects.flatMap((object) =>
    object.kind === "Namespace" || object.kind === "MeshConfig" ? [] : [watched(storedOf(object, 2))],
  );
}

const mesh = new TrackedMesh({ trustDomain });

function planned(upserted: readonly Stored[]) {
  const outcomes = upserted.map((object) => ({ ...keyOf(object), outcome: "configured" as const }));
  return measure(
    planChange({
      ...{ mesh, outcomes, proxies, revision: 1, plaintextCallers: new Set<string>() },
      changes: { upserted, removed: [] },
      requests: [{ request: { from: { workload: "default/s0-0" }, url: "http://s1/" }, count: 1 }],
      simulatorOf: ({ compiler, registry }) => {
        const simulated = SimulatedMesh.over({ compiler, registry }, { trustDomain, nowMs: 0 });
        return (request) => simulated.simulate(request);
      },
    }),
  );
}

const denial = JSON.stringify({
  apiVersion: "weft.dev/v1alpha1",
  kind: "AuthorizationPolicy",
  metadata: { name: "nobody" },
  spec: { targetRefs: [{ group: "", kind: "Service", name: "s7" }], action: "Deny", rules: [{}] },
});

test.each<[string, () => ReturnType<typeof measure>]>([
  ["the first reading of the mesh", () => measure(mesh.sync(objects))],
  ["a reading in which nothing is new", () => measure(mesh.sync(objects))],
  ["a plan of one route", () => planned(next(route("s3", 2)))],
  ["a plan of every route", () => planned(next(documents(...names.map((name) => route(name, 2)))))],
  ["a plan of a policy, by which everybody might be locked out", () => planned(next(denial))],
])("%s", (_, work) => {
  const { count, most, all } = work();
  expect(all).toBeGreaterThan(services / 2);
  expect(count).toBeGreaterThan(10);
  expect(most).toBeLessThan(maxLooks);
});
