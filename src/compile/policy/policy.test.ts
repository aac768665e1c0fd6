/** Policies as the compiler keeps them up to date: who depends on what, who wins, and what is said about it. */
import { describe, expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { keyOf, keyText, parseObject, type Stored, weftControllerName } from "../../api/index.ts";
import { ClusterSchema, OutboundSchema } from "../../model/index.ts";
import { Compiler } from "../compiler.ts";
import { mergeStatus, type StatusUpdate } from "../status.ts";
import { stored, trust } from "../test/objects.ts";
import { TestRegistry } from "../test/test-registry.ts";

class Mesh {
  readonly registry = new TestRegistry();
  readonly compiler = new Compiler({ ...trust, registry: this.registry });
  readonly #objects = new Map<string, Stored>();

  add(...objects: Stored[]) {
    for (const object of objects) this.#objects.set(keyText(keyOf(object)), object);
    return this.#apply(objects, []);
  }

  remove(object: Stored) {
    this.#objects.delete(keyText(keyOf(object)));
    return this.#apply([], [object]);
  }

  cluster(key = "shop/web:80") {
    const resource = this.compiler.get({ kind: "Cluster", key });
    if (resource === undefined) throw new Error(`no cluster ${key}`);
    return fromBinary(ClusterSchema, resource.bytes);
  }

  rules() {
    const resource = this.compiler.get({ kind: "Outbound", key: "shop/web:80@shop" });
    return resource === undefined ? [] : (fromBinary(OutboundSchema, resource.bytes).http?.rules ?? []);
  }

  /** `type=status reason: message` of each condition of the newest status. */
  conditions(name: string): string[] {
    return conditionsOf(this.compiler.statuses(), name);
  }

  #apply(upserted: readonly Stored[], removed: readonly Stored[]) {
    const registry = this.registry.replace([...this.#objects.values()]);
    return this.compiler.apply({ upserted, removed: removed.map(keyOf), registry });
  }
}

function conditionsOf(statuses: readonly StatusUpdate[], name: string): string[] {
  const status = statuses.find((update) => update.name === name && update.status.kind === "policy")?.status;
  const ancestors = status?.kind === "policy" ? status.ancestors : [];
  return ancestors.flatMap(({ conditions }) =>
    conditions.map((each) => `${each.type}=${each.status} ${each.reason}: ${each.message}`),
  );
}

const service = (name = "web", port = 80): Stored =>
  stored({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: {
      selector: { app: name },
      clusterIPs: [`240.240.0.${name.length}`],
      ports: [{ port, name: "http" }],
    },
  });

interface Written {
  readonly target?: object;
  readonly created?: string;
  readonly generation?: number;
  readonly namespace?: string;
}

const web = { kind: "Service", name: "web" };

function traffic(name: string, spec: object, written: Written = {}): Stored {
  const { target = web, created = "2026-01-01T00:00:00Z", generation = 1, namespace = "shop" } = written;
  return stored(
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "TrafficPolicy",
      metadata: { name, namespace, creationTimestamp: created },
      spec: { targetRefs: [target], ...spec },
    },
    generation,
  );
}

function fault(name: string, value: string, generation = 1): Stored {
  const matches = [{ path: { type: "RegularExpression", value } }];
  return stored(
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "FaultPolicy",
      metadata: { name, namespace: "shop" },
      spec: { targetRefs: [web], faults: [{ matches, expiresAt: "2026-01-31T12:00:00Z", reset: true }] },
    },
    generation,
  );
}

function route(rule: object = {}, generation = 1): Stored {
  const written = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "r", namespace: "shop" },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "web" }],
      rules: [{ name: "first", backendRefs: [{ name: "web", port: 80 }], ...rule }],
    },
  };
  return stored(written, generation);
}

const seconds = (request: number): object => ({ timeouts: { request: `${request}s` } });
const mesh = { kind: "MeshConfig", name: "mesh" };
const namespace = { kind: "Namespace", name: "shop" };
const port = { ...web, sectionName: "http" };
const httpRoute = { kind: "HTTPRoute", name: "r" };

test("mesh, Namespace, Service, port: the nearest wins, and its going gives way to the next", () => {
  const subject = new Mesh();
  const layers = [
    traffic("a", seconds(1), { target: port }),
    traffic("b", seconds(2), { target: web }),
    traffic("c", seconds(3), { target: namespace }),
    traffic("d", seconds(4), { target: mesh, namespace: "weft-system" }),
  ];
  subject.add(service(), ...layers);
  const timeouts = [subject.cluster().requests?.requestTimeoutMs];
  for (const layer of layers) {
    subject.remove(layer);
    timeouts.push(subject.cluster().requests?.requestTimeoutMs);
  }
  expect(timeouts).toEqual([1_000, 2_000, 3_000, 4_000, undefined]);
});

test("the route itself, its rule, the route", () => {
  const subject = new Mesh();
  subject.add(service(), route({ timeouts: { request: "1s" } }));
  const rule = traffic("rule", seconds(2), { target: { ...httpRoute, sectionName: "first" } });
  subject.add(rule, traffic("route", seconds(3), { target: httpRoute }));
  const timeouts = [subject.rules()[0]?.requests?.requestTimeoutMs];
  subject.add(route({}, 2));
  timeouts.push(subject.rules()[0]?.requests?.requestTimeoutMs);
  subject.remove(rule);
  timeouts.push(subject.rules()[0]?.requests?.requestTimeoutMs);
  expect(timeouts).toEqual([1_000, 2_000, 3_000]);
  expect(subject.cluster().requests).toBeUndefined();
});

test("a route's timeout that is longer than the model can say is the longest that it can", () => {
  const subject = new Mesh();
  const output = subject.add(
    service(),
    route({ timeouts: { request: "99999h" }, retry: { backoff: "99999h" } }),
  );
  expect(output.defects).toEqual([]);
  expect(subject.rules()[0]?.requests).toMatchObject({
    requestTimeoutMs: 0xffff_ffff,
    retry: { backoffBaseMs: 0xffff_ffff },
  });
});

test("a port of UDP has what is said of choosing endpoints, and nothing that wants answers", () => {
  const subject = new Mesh();
  const dns = stored({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      clusterIPs: ["240.240.0.3"],
      ports: [
        { port: 53, name: "udp", protocol: "UDP" },
        { port: 53, name: "tcp" },
      ],
    },
  });
  const policy = {
    balancing: { algorithm: "Random" },
    healthCheck: { tcp: {} },
    outlierDetection: { consecutive5xx: 1 },
    ...seconds(1),
  };
  subject.add(dns, traffic("a", policy, { target: mesh, namespace: "weft-system" }));
  const [udp, tcp] = [subject.cluster("shop/web:53@udp"), subject.cluster("shop/web:53")];
  expect(udp.balancing).toEqual(tcp.balancing);
  expect(udp.balancing).toBeDefined();
  expect([tcp.healthCheck, tcp.outlier, tcp.requests].map((each) => each !== undefined)).toEqual([
    true,
    true,
    true,
  ]);
  expect([udp.healthCheck, udp.outlier, udp.requests]).toEqual([undefined, undefined, undefined]);
});

describe("two policies at one target", () => {
  const old = traffic("z", { ...seconds(1), retries: { attempts: 1 } });
  const young = traffic("a", seconds(2), { created: "2026-02-01T00:00:00Z" });

  test("the older wins whatever its name, and the younger's status says so", () => {
    const subject = new Mesh();
    subject.add(service(), young, old);
    expect(subject.cluster().requests?.requestTimeoutMs).toBe(1_000);
    expect(subject.conditions("a")).toEqual([
      "Accepted=False Conflicted: timeouts.request is said by older TrafficPolicy shop/z",
    ]);
    expect(subject.conditions("z")).toEqual(["Accepted=True Accepted: "]);
    const output = subject.remove(old);
    expect(conditionsOf(output.statuses, "a")).toEqual(["Accepted=True Accepted: "]);
    expect(subject.cluster().requests?.requestTimeoutMs).toBe(2_000);
  });

  test("what only one of them says holds", () => {
    const subject = new Mesh();
    const more = traffic(
      "a",
      { timeouts: { request: "2s", try: "1s" } },
      { created: "2026-02-01T00:00:00Z" },
    );
    subject.add(service(), old, more);
    expect(subject.cluster().requests).toMatchObject({ requestTimeoutMs: 1_000, tryTimeoutMs: 1_000 });
    expect(subject.conditions("a")).toEqual([
      "Accepted=True Accepted: ",
      "Conflicted=True Conflicted: timeouts.request is said by older TrafficPolicy shop/z",
    ]);
  });

  test("of one age the first by name wins", () => {
    const subject = new Mesh();
    subject.add(service(), traffic("b", seconds(2)), traffic("a", seconds(1)));
    expect(subject.cluster().requests?.requestTimeoutMs).toBe(1_000);
  });
});

describe("a policy's status", () => {
  test("says that there is nothing at its target, until there is", () => {
    const subject = new Mesh();
    subject.add(traffic("p", seconds(1), { target: port }), service("other"));
    expect(subject.conditions("p")).toEqual([
      "Accepted=False TargetNotFound: Service shop/web does not exist",
    ]);
    const output = subject.add(service());
    expect(conditionsOf(output.statuses, "p")).toEqual(["Accepted=True Accepted: "]);
  });

  test("says which of its fields a nearer policy has, and only of one that holds", () => {
    const subject = new Mesh();
    subject.add(
      service(),
      traffic("far", { ...seconds(1), retries: { attempts: 1 } }, { target: namespace }),
    );
    subject.add(traffic("near", seconds(2), { target: { kind: "Service", name: "nowhere" } }));
    expect(subject.conditions("far")).toEqual(["Accepted=True Accepted: "]);
    const output = subject.add(traffic("near", seconds(2), { generation: 2 }));
    expect(conditionsOf(output.statuses, "far")).toEqual([
      "Accepted=True Accepted: overridden where nearer: timeouts.request by TrafficPolicy shop/near at Service/web",
    ]);
  });

  test("says which of its fields the route has itself", () => {
    const subject = new Mesh();
    subject.add(service(), route({ timeouts: { request: "1s" } }));
    subject.add(traffic("p", seconds(2), { target: httpRoute }));
    expect(subject.conditions("p")).toEqual([
      "Accepted=True Accepted: overridden where nearer: timeouts.request by the route's own first",
    ]);
  });

  test("is what the schema of its kind takes, at every kind of target", () => {
    const targets = [mesh, namespace, web, port, httpRoute, { ...httpRoute, sectionName: "first" }];
    for (const [index, target] of targets.entries()) {
      const subject = new Mesh();
      const home = target === mesh ? { namespace: "weft-system" } : {};
      const policy = traffic(`p${index}`, seconds(1), { target, ...home });
      const { statuses } = subject.add(service(), route(), policy);
      const update = statuses.find(({ status }) => status.kind === "policy");
      if (update === undefined) throw new Error("no status");
      const status = mergeStatus(undefined, update, weftControllerName, "2026-01-01T00:00:00.000Z");
      expect(parseObject({ ...policy, status }, "write")).toHaveProperty("object.status", status);
    }
  });

  test("goes with the policy", () => {
    const subject = new Mesh();
    const policy = traffic("p", seconds(1));
    subject.add(service(), policy);
    subject.remove(policy);
    expect(subject.conditions("p")).toEqual([]);
  });
});

describe("a fault policy that cannot be compiled", () => {
  test("keeps its last good output and says so", () => {
    const subject = new Mesh();
    subject.add(service(), fault("f", "/good"));
    subject.cluster();
    const output = subject.add(fault("f", "/(?=bad)", 2));
    expect(output.upserted).toEqual([]);
    expect(subject.cluster().faults).toHaveLength(1);
    expect(subject.conditions("f")[0]).toStartWith("Accepted=False Invalid: spec.faults[0].matches[0].path");
    subject.add(fault("f", "/mended", 3));
    expect(subject.cluster().faults[0]?.matches[0]?.path.value).toBe("/mended");
  });
});

describe("what a change recomputes", () => {
  test("the clusters that it is for, and no other", () => {
    const subject = new Mesh();
    subject.add(service(), service("other"));
    subject.cluster();
    subject.cluster("shop/other:80");
    const keys = (output: ReturnType<Mesh["add"]>): string[] => output.upserted.map(({ key }) => key);
    expect(keys(subject.add(traffic("p", seconds(1))))).toEqual(["shop/web:80"]);
    expect(keys(subject.add(traffic("all", { retries: { attempts: 1 } }, { target: namespace })))).toEqual([
      "shop/other:80",
      "shop/web:80",
    ]);
    const elsewhere = { target: { kind: "Namespace", name: "far" }, namespace: "far" };
    expect(keys(subject.add(traffic("far", seconds(9), elsewhere)))).toEqual([]);
  });

  test("nothing where only a status was written", () => {
    const subject = new Mesh();
    const policy = traffic("p", seconds(1));
    subject.add(service(), policy);
    subject.cluster();
    expect(subject.add({ ...policy })).toMatchObject({ upserted: [], statuses: [] });
  });

  test("the targets that it had and those that it has, where it is aimed elsewhere", () => {
    const subject = new Mesh();
    subject.add(service(), service("other"), traffic("p", seconds(1)));
    subject.cluster();
    subject.cluster("shop/other:80");
    const output = subject.add(
      traffic("p", seconds(1), { target: { kind: "Service", name: "other" }, generation: 2 }),
    );
    expect(output.upserted.map(({ key }) => key)).toEqual(["shop/other:80", "shop/web:80"]);
    expect(subject.cluster().requests).toBeUndefined();
  });
});
