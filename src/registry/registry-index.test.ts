/** Endpoints, memberships and owners of addresses, step by step against built at once. */
import { beforeEach, describe, expect, test } from "bun:test";
import { ChangeSet } from "./change-set.ts";
import { RegistryIndex } from "./registry-index.ts";
import { service, slice, workload } from "./test/test-objects.ts";

let index = new RegistryIndex();
beforeEach(() => {
  index = new RegistryIndex();
});

function during(work: (changes: ChangeSet) => void): Record<string, string[]> {
  const changes = new ChangeSet();
  work(changes);
  const { services, workloads, endpoints, addresses } = changes;
  const sorted = (set: ReadonlySet<string>): string[] => [...set].toSorted();
  return {
    services: sorted(services),
    workloads: sorted(workloads),
    endpoints: sorted(endpoints),
    addresses: sorted(addresses),
  };
}
const nothing = { services: [], workloads: [], endpoints: [], addresses: [] };

const reviews = service("reviews", {
  selector: { app: "reviews" },
  clusterIP: "240.240.0.1",
  ports: [{ port: 80, targetPort: "web" }],
});
const pod = (name: string, address: string, labels: Record<string, string> = { app: "reviews" }) =>
  workload(name, labels, { addresses: [address], ports: [{ port: 9080, name: "web" }] });
const endpointsOf = (path: string, port: number): string[] =>
  index
    .endpoints(path, port)
    .map((endpoint) => `${endpoint.workload} ${endpoint.address}:${endpoint.port} ${endpoint.health}`);

describe("endpoints of a service with a selector", () => {
  test.each(["service first", "workload first"])("are the workloads that it selects, %s", (order) => {
    const steps = [
      (changes: ChangeSet) => index.upsertService(reviews, changes),
      (changes: ChangeSet) => index.upsertWorkload(pod("r1", "10.77.0.2"), "live", changes),
    ];
    during((changes) => {
      for (const step of order === "service first" ? steps : steps.toReversed()) step(changes);
    });
    expect(endpointsOf("default/reviews", 80)).toEqual(["default/r1 10.77.0.2:9080 live"]);
    expect(index.membersOf("default/reviews")).toEqual(["default/r1"]);
    expect(index.servicesOf("default/r1")).toEqual(["default/reviews"]);
  });

  test("are sorted, carry the workload's own identity, tunnel, version and place", () => {
    const changes = new ChangeSet();
    index.upsertService(reviews, changes);
    index.upsertWorkload(pod("r2", "10.77.0.3"), "live", changes);
    const full = workload(
      "r1",
      { app: "reviews", version: "v2" },
      {
        serviceAccount: "reviewer",
        addresses: ["10.77.0.2", "FD77::2"],
        ports: [{ port: 9080, name: "web" }],
        tunnel: { address: "10.77.9.9", port: 25_008 },
        locality: { region: "eu", zone: "b" },
      },
    );
    index.upsertWorkload(full, "live", changes);
    expect(endpointsOf("default/reviews", 80).map((text) => text.split(" ")[0])).toEqual([
      "default/r1",
      "default/r2",
    ]);
    expect(index.endpoints("default/reviews", 80)[0]).toEqual({
      workload: "default/r1",
      address: "10.77.0.2",
      port: 9080,
      serviceAccount: "reviewer",
      tunnel: { kind: "weft", address: "10.77.9.9", port: 25_008 },
      health: "live",
      version: "v2",
      region: "eu",
      zone: "b",
    });
  });

  test.each<[string, object, number | undefined]>([
    ["a number", { port: 80, targetPort: 8080 }, 8080],
    ["a name", { port: 80, targetPort: "web" }, 9080],
    ["absent", { port: 80 }, 80],
    ["a name that the workload does not have", { port: 80, targetPort: "grpc" }, undefined],
  ])("have the port of a targetPort that is %s", (_, port, expected) => {
    const changes = new ChangeSet();
    index.upsertService(service("s", { selector: { app: "reviews" }, ports: [port] }), changes);
    index.upsertWorkload(pod("r1", "10.77.0.2"), "live", changes);
    expect(index.endpoints("default/s", 80)[0]?.port).toBe(expected);
  });

  test("follow a workload's labels and a service's selector", () => {
    const changes = new ChangeSet();
    index.upsertService(reviews, changes);
    index.upsertWorkload(pod("r1", "10.77.0.2", { app: "ratings" }), "live", changes);
    expect(endpointsOf("default/reviews", 80)).toEqual([]);
    index.upsertWorkload(pod("r1", "10.77.0.2", { app: "reviews", extra: "x" }), "live", changes);
    expect(endpointsOf("default/reviews", 80).length).toBe(1);
    const narrowed = service("reviews", {
      selector: { app: "reviews", version: "v1" },
      ports: [{ port: 80, targetPort: "web" }],
    });
    const told = during((noted) => index.upsertService(narrowed, noted));
    expect(endpointsOf("default/reviews", 80)).toEqual([]);
    expect(told["workloads"]).toEqual(["default/r1"]);
  });

  test("stay within the namespace", () => {
    const changes = new ChangeSet();
    index.upsertService(reviews, changes);
    const stranger = {
      ...pod("r1", "10.77.0.2"),
      metadata: { name: "r1", namespace: "other", labels: { app: "reviews" } },
    };
    index.upsertWorkload(stranger, "live", changes);
    expect(endpointsOf("default/reviews", 80)).toEqual([]);
  });

  test("leave out the lost ones, unless the service wants them, and keep those that drain", () => {
    const changes = new ChangeSet();
    index.upsertService(reviews, changes);
    index.upsertService(
      service("all", { selector: { app: "reviews" }, publishNotReadyAddresses: true, ports: [{ port: 80 }] }),
      changes,
    );
    index.upsertWorkload(pod("r1", "10.77.0.2"), "lost", changes);
    index.upsertWorkload(pod("r2", "10.77.0.3"), "draining", changes);
    expect(endpointsOf("default/reviews", 80)).toEqual(["default/r2 10.77.0.3:9080 draining"]);
    expect(endpointsOf("default/all", 80).length).toBe(2);
    expect(during((noted) => index.setHealth("default/r1", "live", noted))["endpoints"]).toEqual([
      "default/all",
      "default/reviews",
    ]);
    expect(endpointsOf("default/reviews", 80).length).toBe(2);
  });

  test("are not those of a service without selector, even an empty one", () => {
    const changes = new ChangeSet();
    index.upsertService(service("s", { selector: {}, ports: [{ port: 80 }] }), changes);
    index.upsertWorkload(pod("r1", "10.77.0.2"), "live", changes);
    expect(endpointsOf("default/s", 80)).toEqual([]);
  });
});

describe("endpoints of a service without selector", () => {
  const legacy = service("legacy", {
    ports: [
      { port: 80, name: "http", targetPort: 8080 },
      { port: 81, name: "admin" },
    ],
  });

  test("come from its slices, port by name, without an identity", () => {
    const changes = new ChangeSet();
    index.upsertService(legacy, changes);
    const endpoints = [
      { addresses: ["192.168.0.1"], zone: "a" },
      { addresses: ["192.168.0.2"], conditions: { ready: false } },
      { addresses: ["192.168.0.3"], conditions: { ready: false, serving: true, terminating: true } },
    ];
    index.upsertSlice(
      slice("legacy-1", "legacy", { endpoints, ports: [{ name: "http", port: 9000 }] }),
      changes,
    );
    expect(endpointsOf("default/legacy", 80)).toEqual([
      "default/192.168.0.1 192.168.0.1:9000 live",
      "default/192.168.0.3 192.168.0.3:9000 draining",
    ]);
    expect(index.endpoints("default/legacy", 80)[0]).toMatchObject({
      serviceAccount: "",
      tunnel: { kind: "none" },
      zone: "a",
    });
    expect(endpointsOf("default/legacy", 81)).toEqual([]);
  });

  test("have the identity and liveness of the workload that has the address, whenever it comes", () => {
    const changes = new ChangeSet();
    index.upsertService(legacy, changes);
    index.upsertSlice(
      slice("legacy-1", "legacy", {
        endpoints: [{ addresses: ["10.77.0.2"] }],
        ports: [{ name: "http", port: 9000 }],
      }),
      changes,
    );
    const told = during((noted) => index.upsertWorkload(pod("r1", "10.77.0.2"), "live", noted));
    expect(told["endpoints"]).toEqual(["default/legacy"]);
    expect(index.endpoints("default/legacy", 80)[0]).toMatchObject({
      workload: "default/r1",
      serviceAccount: "default",
      port: 9000,
    });
    index.setHealth("default/r1", "lost", changes);
    expect(endpointsOf("default/legacy", 80)).toEqual([]);
    index.removeWorkload("default/r1", changes);
    expect(endpointsOf("default/legacy", 80)).toEqual(["default/10.77.0.2 10.77.0.2:9000 live"]);
  });

  test("go with their slice, and an address in two slices is one endpoint", () => {
    const changes = new ChangeSet();
    index.upsertService(legacy, changes);
    const rest = { endpoints: [{ addresses: ["192.168.0.1"] }], ports: [{ name: "http", port: 9000 }] };
    index.upsertSlice(slice("one", "legacy", rest), changes);
    index.upsertSlice(slice("two", "legacy", rest), changes);
    expect(endpointsOf("default/legacy", 80).length).toBe(1);
    index.removeSlice("default/one", changes);
    expect(endpointsOf("default/legacy", 80).length).toBe(1);
    expect(during((noted) => index.removeSlice("default/two", noted))).toEqual({
      ...nothing,
      endpoints: ["default/legacy"],
    });
    expect(endpointsOf("default/legacy", 80)).toEqual([]);
  });
});

describe("what is told", () => {
  test("is nothing where nothing changed", () => {
    const changes = new ChangeSet();
    index.upsertService(reviews, changes);
    index.upsertWorkload(pod("r1", "10.77.0.2"), "live", changes);
    const again = during((noted) => {
      index.upsertService(reviews, noted);
      index.upsertWorkload(pod("r1", "10.77.0.2"), "live", noted);
      index.setHealth("default/r1", "live", noted);
      index.removeService("default/none", noted);
      index.removeWorkload("default/none", noted);
      index.setHealth("default/none", "lost", noted);
    });
    expect(again).toEqual(nothing);
  });

  test("names what a workload's change touches and nothing else", () => {
    const changes = new ChangeSet();
    index.upsertService(reviews, changes);
    index.upsertService(service("other", { selector: { app: "other" }, ports: [{ port: 80 }] }), changes);
    index.upsertWorkload(pod("r1", "10.77.0.2"), "live", changes);
    const told = during((noted) => index.upsertWorkload(pod("r1", "10.77.0.9"), "live", noted));
    expect(told).toEqual({
      services: [],
      workloads: ["default/r1"],
      endpoints: ["default/reviews"],
      addresses: ["10.77.0.2", "10.77.0.9"],
    });
  });

  test("names the workloads of a service where they alone changed, and whether the set of endpoints did", () => {
    const members = (work: (changes: ChangeSet) => void): unknown => {
      const changes = new ChangeSet();
      work(changes);
      return [...changes.changedMembers].map(([path, { workloads, isSetChanged }]) => [
        path,
        [...workloads].toSorted(),
        isSetChanged,
      ]);
    };
    index.upsertService(reviews, new ChangeSet());
    const put = (name: string, address: string, labels?: Record<string, string>) => (changes: ChangeSet) =>
      index.upsertWorkload(pod(name, address, labels), "live", changes);
    expect(members(put("r1", "10.77.0.2"))).toEqual([["default/reviews", ["default/r1"], true]]);
    expect(members(put("r1", "10.77.0.9"))).toEqual([["default/reviews", ["default/r1"], false]]);
    expect(members((changes) => index.setHealth("default/r1", "draining", changes))).toEqual([
      ["default/reviews", ["default/r1"], false],
    ]);
    expect(members((changes) => index.setHealth("default/r1", "lost", changes))).toEqual([
      ["default/reviews", ["default/r1"], true],
    ]);
    expect(index.endpoint("default/reviews", 80, "default/r1")).toBeUndefined();
    put("r2", "10.77.0.3")(new ChangeSet());
    expect(index.endpoint("default/reviews", 80, "default/r2")?.address).toBe("10.77.0.3");
    expect(members(put("r2", "10.77.0.3", { app: "other" }))).toEqual([
      ["default/reviews", ["default/r2"], true],
    ]);
    // Of a service that changed itself any endpoint may be another one, whatever else is told.
    const both = members((changes) => {
      put("r3", "10.77.0.4")(changes);
      index.upsertService(
        service("reviews", { selector: { app: "reviews" }, ports: [{ port: 81 }] }),
        changes,
      );
      put("r3", "10.77.0.5")(changes);
    });
    expect(both).toEqual([]);
  });

  test("keeps the endpoints of services that did not change as the same array", () => {
    const changes = new ChangeSet();
    index.upsertService(reviews, changes);
    index.upsertWorkload(pod("r1", "10.77.0.2"), "live", changes);
    const before = index.endpoints("default/reviews", 80);
    index.upsertWorkload(pod("x", "10.77.0.5", { app: "other" }), "live", changes);
    expect(index.endpoints("default/reviews", 80)).toBe(before);
  });
});

describe("the owner of an address", () => {
  test("is the service before a workload, and goes with it", () => {
    const changes = new ChangeSet();
    index.upsertWorkload(pod("thief", "240.240.0.1"), "live", changes);
    index.upsertService(reviews, changes);
    expect(index.addressOwner("240.240.0.1")).toMatchObject({
      kind: "service",
      service: { path: "default/reviews" },
    });
    index.removeService("default/reviews", changes);
    expect(index.addressOwner("240.240.0.1")).toMatchObject({
      kind: "workload",
      workload: { path: "default/thief" },
    });
    index.removeWorkload("default/thief", changes);
    expect(index.addressOwner("240.240.0.1")).toBeUndefined();
  });

  test("is the workload that is alive where a dead one had it before", () => {
    const changes = new ChangeSet();
    index.upsertWorkload(pod("a-dead", "10.77.0.2"), "lost", changes);
    index.upsertWorkload(pod("b-new", "10.77.0.2"), "live", changes);
    expect(index.addressOwner("10.77.0.2")).toMatchObject({ workload: { path: "default/b-new" } });
  });
});

test("an index that was changed step by step answers as one that was built at once", () => {
  const seed = Date.now() % 100_000;
  let state = seed;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const services = new Map<string, ReturnType<typeof service>>();
  const workloads = new Map<string, ReturnType<typeof workload>>();
  const changes = new ChangeSet();
  for (let step = 0; step < 600; step++) {
    const name = `n${random(6)}`;
    const labels = { app: `a${random(3)}`, tier: `t${random(2)}` };
    if (random(2) === 0) {
      const made = service(name, {
        selector: random(2) === 0 ? labels : { app: labels.app },
        ports: [{ port: 80, targetPort: 8080 }],
      });
      services.set(name, made);
      index.upsertService(made, changes);
    } else {
      const made = workload(name, labels, { addresses: [`10.77.0.${random(9) + 1}`] });
      workloads.set(name, made);
      index.upsertWorkload(made, "live", changes);
    }
    if (random(5) === 0 && services.delete(name)) index.removeService(`default/${name}`, changes);
    if (random(5) === 0 && workloads.delete(name)) index.removeWorkload(`default/${name}`, changes);
    const fresh = new RegistryIndex();
    for (const each of services.values()) fresh.upsertService(each, changes);
    for (const each of workloads.values()) fresh.upsertWorkload(each, "live", changes);
    const answers = (from: RegistryIndex): unknown =>
      Array.from({ length: 6 }, (_, i) => `default/n${i}`).map((path) => [
        from.endpoints(path, 80),
        from.membersOf(path),
        from.servicesOf(path),
        Array.from({ length: 9 }, (_, i) => from.addressOwner(`10.77.0.${i + 1}`)),
      ]);
    expect({ seed, step, answers: answers(index) }).toEqual({ seed, step, answers: answers(fresh) });
  }
});
