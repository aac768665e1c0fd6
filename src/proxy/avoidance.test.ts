/** What one process finds out about endpoints, taken over by another. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock } from "../kernel/index.ts";
import { ClusterSchema, EndpointSchema, Health, MeshSchema, Tunnel } from "../model/index.ts";
import { Avoidance } from "./avoidance.ts";
import { defaultCodecs } from "./testing/default-codecs.ts";
import { fakeSnapshot } from "./testing/fake-agent.ts";
import { HopDialer, type UpstreamEndpoint, Upstreams } from "./upstream/index.ts";

const key = "default/echo:80";

/** A process with its own clock and its own view of the same four endpoints. */
function processAt(startMs: number) {
  const clock = new VirtualClock(startMs);
  const dialer = new HopDialer({
    identity: () => ({ certChainPem: "", privateKeyPem: "", trustRootsPem: "" }),
    sourceWorkload: "default/web",
    mark: undefined,
    limits: defaultCodecs(),
  });
  const upstreams = new Upstreams(dialer, clock, "client");
  const model = create(ClusterSchema, { namespace: "default", service: "echo", port: 80 });
  const endpoints = ["a", "b", "c", "d"].map((name) =>
    create(EndpointSchema, {
      cluster: key,
      workload: `default/${name}`,
      address: "10.77.0.2",
      port: 8080,
      tunnel: Tunnel.NONE,
      weight: 1,
      health: Health.HEALTHY,
    }),
  );
  upstreams.applySnapshot(fakeSnapshot({ mesh: create(MeshSchema, {}), clusters: [model], endpoints }));
  const endpoint = (name: string): UpstreamEndpoint => {
    const found = upstreams.cluster(key)?.picker.members.find((each) => each.workload === `default/${name}`);
    if (found === undefined) throw new Error(name);
    return found;
  };
  const fail = (name: string): void => {
    for (let i = 0; i < 5; i++) endpoint(name).recordStatus(503, clock.monotonicUs());
  };
  const isFit = (name: string): boolean => endpoint(name).isFit(clock.monotonicUs());
  return { clock, avoidance: new Avoidance(upstreams, clock), endpoint, fail, isFit };
}

describe("Avoidance", () => {
  test("tells of a failed connect once, and for as long as is left of it", () => {
    const [ours, theirs] = [processAt(1_000), processAt(900_000)];
    ours.endpoint("a").recordConnectFailure(ours.clock.monotonicUs());
    ours.clock.advance(100);
    const told = ours.avoidance.fresh();
    expect(told).toEqual([{ cluster: key, workload: "default/a", forMs: 400, isEjected: false }]);
    expect(ours.avoidance.fresh()).toEqual([]);
    theirs.avoidance.adopt(told);
    theirs.clock.advance(399);
    expect(theirs.isFit("a")).toBe(false);
    theirs.clock.advance(1);
    expect(theirs.isFit("a")).toBe(true);
  });

  test("tells of an ejection, which is not told back", () => {
    const [ours, theirs] = [processAt(1_000), processAt(900_000)];
    ours.fail("a");
    ours.clock.advance(10_000);
    const told = ours.avoidance.fresh();
    expect(told).toEqual([{ cluster: key, workload: "default/a", forMs: 20_000, isEjected: true }]);
    theirs.avoidance.adopt(told);
    expect(theirs.isFit("a")).toBe(false);
    expect(theirs.avoidance.fresh()).toEqual([]);
    theirs.clock.advance(20_000);
    expect(theirs.isFit("a")).toBe(true);
  });

  test("ejections of all processes together stay within the bound", () => {
    const [ours, theirs] = [processAt(1_000), processAt(1_000)];
    ours.fail("a");
    ours.fail("b");
    theirs.fail("c");
    theirs.avoidance.adopt(ours.avoidance.fresh());
    expect(["a", "b", "c", "d"].map(theirs.isFit)).toEqual([false, true, false, true]);
  });

  test("endpoints that are not known are none of ours", () => {
    const ours = processAt(1_000);
    ours.avoidance.adopt([
      { cluster: "default/gone:80", workload: "default/a", forMs: 1_000, isEjected: true },
      { cluster: key, workload: "default/z", forMs: 1_000, isEjected: true },
    ]);
    expect(ours.isFit("a")).toBe(true);
  });
});
