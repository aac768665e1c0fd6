/** How clusters follow snapshots: what is kept, what is closed. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import {
  ClusterSchema,
  type Endpoint,
  EndpointSchema,
  Health,
  MeshSchema,
  Tunnel,
  WorkloadTargetSchema,
} from "../../model/index.ts";
import { defaultCodecs } from "../testing/default-codecs.ts";
import { fakeSnapshot } from "../testing/fake-agent.ts";
import { newestView } from "./cluster.ts";
import { HopDialer } from "./hop.ts";
import { Upstreams } from "./upstreams.ts";

const identity = { certChainPem: "", privateKeyPem: "", trustRootsPem: "" };
const cluster = "default/echo:80";
const mesh = create(MeshSchema, {});
const model = create(ClusterSchema, { namespace: "default", service: "echo", port: 80 });

function endpoint(name: string, changes: Partial<Endpoint> = {}): Endpoint {
  return {
    ...create(EndpointSchema, {
      cluster,
      workload: `default/${name}`,
      address: "10.77.0.2",
      port: 8080,
      tunnel: Tunnel.WEFT,
      tunnelAddress: "10.77.0.2",
      tunnelPort: 15008,
      weight: 1,
      health: Health.HEALTHY,
    }),
    ...changes,
  };
}

function setUp() {
  const clock = new VirtualClock();
  const dialer = new HopDialer({
    identity: () => identity,
    sourceWorkload: "default/web",
    mark: undefined,
    limits: defaultCodecs(),
  });
  const upstreams = new Upstreams(dialer, clock, "client");
  const apply = (endpoints: readonly Endpoint[], clusters = [model]): string[] => {
    upstreams.applySnapshot(fakeSnapshot({ mesh, clusters, endpoints }));
    return members();
  };
  const members = (): string[] =>
    (upstreams.cluster(cluster)?.picker.members ?? []).map((each) => each.workload);
  return { upstreams, clock, apply };
}

describe("Upstreams", () => {
  test("what stays keeps its history, what goes is closed", () => {
    const { upstreams, apply } = setUp();
    apply([endpoint("a"), endpoint("b")]);
    const [a, b] = upstreams.cluster(cluster)?.picker.members ?? [];
    a?.latency.observe(1_000, 1);
    expect(apply([endpoint("a", { weight: 5, version: "v2" }), endpoint("c")])).toEqual([
      "default/a",
      "default/c",
    ]);
    const after = upstreams.cluster(cluster)?.picker.members[0];
    expect(after).toBe(a);
    expect(after?.weight).toBe(5);
    expect(b?.pool.acquire(1, { needsSettings: false, onUpstream() {}, onUpstreamFailed() {} })).toBe(
      "no_endpoint",
    );
  });

  test("new limits make new pools for places of which everything is known still", () => {
    const { upstreams, apply } = setUp();
    apply([endpoint("a"), endpoint("b")]);
    const [a] = upstreams.cluster(cluster)?.picker.members ?? [];
    a?.latency.observe(1_000, 1);
    a?.recordConnectFailure(1_000);
    const changed = { ...model, connectTimeoutMs: 77 };
    apply([endpoint("a"), endpoint("b", { address: "10.77.0.3" })], [changed]);
    const [after, other] = upstreams.cluster(cluster)?.picker.members ?? [];
    expect(after).not.toBe(a);
    expect(after?.pool).not.toBe(a?.pool);
    expect(after?.latency).toBe(a?.latency);
    expect([after?.isFit(2_000), other?.isFit(2_000)]).toEqual([false, true]);
    // It goes on where it was: the second failure in a row is avoided twice as long.
    after?.recordConnectFailure(600_000);
    expect(after?.avoidUntilUs).toBe(1_600_000);
  });

  test("the same workload at another place is another endpoint", () => {
    const { upstreams, apply } = setUp();
    apply([endpoint("a")]);
    const before = upstreams.cluster(cluster)?.picker.members[0];
    apply([endpoint("a", { identity: "spiffe://mesh/ns/default/sa/other" })]);
    expect(upstreams.cluster(cluster)?.picker.members[0]).not.toBe(before);
  });

  test("a request keeps the view that it started with", () => {
    const { upstreams, apply } = setUp();
    apply([endpoint("a")]);
    const before = upstreams.cluster(cluster);
    apply([endpoint("b")]);
    expect(before?.picker.members.map((each) => each.workload)).toEqual(["default/a"]);
    apply([endpoint("c")]);
    expect(before && newestView(before)).toBe(upstreams.cluster(cluster));
  });

  test("an unchanged cluster is not prepared again", () => {
    const { upstreams } = setUp();
    const endpoints = [endpoint("a")];
    const snapshot = fakeSnapshot({ mesh, clusters: [model], endpoints });
    upstreams.applySnapshot(snapshot);
    const before = upstreams.cluster(cluster);
    upstreams.applySnapshot(snapshot);
    expect(upstreams.cluster(cluster)).toBe(before);
  });

  test("healthy members first, unhealthy before draining ones, weight 0 never", () => {
    const { apply } = setUp();
    const sick = endpoint("sick", { health: Health.UNHEALTHY });
    const leaving = endpoint("leaving", { health: Health.DRAINING });
    const empty = endpoint("empty", { weight: 0 });
    expect(apply([endpoint("a"), sick, leaving, empty])).toEqual(["default/a"]);
    expect(apply([sick, leaving, empty])).toEqual(["default/sick"]);
    expect(apply([leaving, empty])).toEqual(["default/leaving"]);
    expect(apply([empty])).toEqual([]);
  });

  test("a cluster that went is not known any more", () => {
    const { upstreams, apply } = setUp();
    apply([endpoint("a")]);
    apply([], []);
    expect(upstreams.cluster(cluster)).toBeUndefined();
  });

  test("a workload dialled directly is let go when nobody has for a while", () => {
    const { upstreams, clock } = setUp();
    const target = create(WorkloadTargetSchema, { workload: "default/a", tunnel: Tunnel.NONE });
    const first = upstreams.direct(target, "10.77.0.2", 80);
    expect(upstreams.direct(target, "10.77.0.2", 80)).toBe(first);
    clock.advance(119_000);
    upstreams.sweep();
    expect(upstreams.direct(target, "10.77.0.2", 80)).toBe(first);
    clock.advance(121_000);
    upstreams.sweep();
    expect(upstreams.direct(target, "10.77.0.2", 80)).not.toBe(first);
  });

  test("a scan of workloads is refused beyond a bound", () => {
    const { upstreams } = setUp();
    const target = create(WorkloadTargetSchema, { workload: "default/a", tunnel: Tunnel.NONE });
    let refused = 0;
    for (let port = 1; port <= 2_000; port++)
      if (upstreams.direct(target, "10.77.0.2", port) === undefined) refused++;
    expect(refused).toBe(976);
  });
});

describe("UpstreamEndpoint", () => {
  test("failures that happen together count once, the next ones double the time, success ends it", () => {
    const { upstreams, apply } = setUp();
    apply([endpoint("a")]);
    const member = upstreams.cluster(cluster)?.picker.members[0];
    const avoided: (number | undefined)[] = [];
    for (const nowUs of [0, 1, 500_001, 2_000_000]) {
      member?.recordConnectFailure(nowUs);
      avoided.push(member?.avoidUntilUs);
    }
    expect(avoided).toEqual([500_000, 500_000, 1_500_001, 4_000_000]);
    member?.recordConnected();
    expect(member?.avoidUntilUs).toBe(0);
  });
});
