/** Endpoints of clusters whose places are names, in virtual time. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import {
  ClusterSchema,
  type DnsHostSchema,
  type Endpoint,
  EndpointSchema,
  Tunnel,
} from "../../model/index.ts";
import { NameResolver } from "../dns/index.ts";
import { defaultCodecs } from "../testing/default-codecs.ts";
import { fakeSnapshot } from "../testing/fake-agent.ts";
import { TestMesh } from "../testing/test-mesh.ts";
import { HopDialer } from "./hop.ts";
import { Upstreams } from "./upstreams.ts";

const key = "shop/api:443";

/** A cluster, a DNS that says what `zone` holds (undefined: it fails), and a clock. */
function scene(hosts: readonly MessageInitShape<typeof DnsHostSchema>[], listed: readonly Endpoint[] = []) {
  const clock = new VirtualClock();
  const zone: Record<string, readonly string[] | undefined> = {};
  const waiting: (() => void)[] = [];
  let asked = 0;
  const resolver = new NameResolver({
    client: {
      ask: (name, type, done) => {
        if (type === 1) asked++;
        waiting.push(() => {
          const addresses = zone[name];
          const ttlSeconds = 10;
          done(
            addresses === undefined
              ? "no resolver answers"
              : { rcode: 0, isTruncated: false, addresses: type === 1 ? addresses : [], ttlSeconds },
          );
        });
      },
    },
    clock,
    random: () => 0.5,
    onOutcome: () => {},
  });
  const dialer = new HopDialer({
    identity: () => ({ certChainPem: "", privateKeyPem: "", trustRootsPem: "" }),
    sourceWorkload: "shop/web",
    mark: undefined,
    limits: defaultCodecs(),
  });
  const upstreams = new Upstreams(dialer, clock, "client", { resolver });
  const model = create(ClusterSchema, {
    namespace: "shop",
    service: "api",
    port: 443,
    dns: { hosts: [...hosts] },
  });
  const apply = () =>
    upstreams.applySnapshot(
      fakeSnapshot({ mesh: new TestMesh().mesh, clusters: [model], endpoints: listed }),
    );
  const members = () => upstreams.cluster(key)?.picker.members ?? [];
  apply();
  return {
    upstreams,
    zone,
    apply,
    members,
    places: () => members().map(({ target }) => `${target.address}:${target.port}`),
    answer: () => {
      for (const done of waiting.splice(0)) done();
    },
    pass: (seconds: number) => {
      clock.advance(seconds * 1_000);
      upstreams.sweep();
    },
    get asked() {
      return asked;
    },
  };
}

const api = { name: "api.example.com", port: 8443, weight: 1 };

describe("a cluster whose place is a name", () => {
  test("is looked up at once, and is the name itself until the answer comes", () => {
    const it = scene([api]);
    expect([it.asked, it.places()]).toEqual([1, ["api.example.com:8443"]]);
    it.zone["api.example.com"] = ["192.0.2.1", "192.0.2.2"];
    it.answer();
    expect(it.places()).toEqual(["192.0.2.1:8443", "192.0.2.2:8443"]);
    expect(it.members().map(({ workload }) => workload)).toEqual([
      "shop/192.0.2.1:8443",
      "shop/192.0.2.2:8443",
    ]);
  });

  test("keeps the endpoints of addresses that stay, with their history", () => {
    const it = scene([api]);
    it.zone["api.example.com"] = ["192.0.2.1", "192.0.2.2"];
    it.answer();
    const [first, second] = it.members();
    if (first === undefined || second === undefined) throw new Error("two addresses, two endpoints");
    first.inFlight = 1;
    it.zone["api.example.com"] = ["192.0.2.1", "192.0.2.3"];
    it.pass(10);
    it.pass(1);
    it.answer();
    expect(it.places()).toEqual(["192.0.2.1:8443", "192.0.2.3:8443"]);
    expect(it.members()[0]).toBe(first);
    // A configuration that changes nothing of it changes nothing here.
    it.apply();
    expect(it.members()[0]).toBe(first);
  });

  test("is not looked up again while nobody uses it, and is the name itself again", () => {
    const it = scene([api]);
    it.zone["api.example.com"] = ["192.0.2.1"];
    it.answer();
    it.pass(9);
    expect(it.places()).toEqual(["192.0.2.1:8443"]);
    it.pass(1);
    expect(it.places()).toEqual(["api.example.com:8443"]);
    for (let second = 0; second < 3_600; second++) it.pass(1);
    expect([it.asked, it.places()]).toEqual([1, ["api.example.com:8443"]]);
  });

  test("that stops resolving while it is used keeps its addresses for ten minutes, then is the name that does not resolve", () => {
    const it = scene([api]);
    it.zone["api.example.com"] = ["192.0.2.1"];
    it.answer();
    const [first] = it.members();
    if (first === undefined) throw new Error("no endpoint");
    first.inFlight = 1;
    it.zone["api.example.com"] = undefined;
    for (let second = 0; second < 609; second++) {
      it.pass(1);
      it.answer();
    }
    expect(it.places()).toEqual(["192.0.2.1:8443"]);
    it.pass(2);
    expect(it.places()).toEqual(["api.example.com:8443"]);
  });

  test("shares its weight out among its addresses, beside endpoints that are listed", () => {
    const listed = create(EndpointSchema, {
      cluster: key,
      workload: "shop/203.0.113.1:443",
      address: "203.0.113.1",
      port: 443,
      tunnel: Tunnel.NONE,
      weight: 1,
    });
    const it = scene(
      [
        { ...api, weight: 3 },
        { name: "off.example.com", port: 443, weight: 0, priority: 2, region: "eu", zone: "eu-1" },
      ],
      [listed],
    );
    it.zone["api.example.com"] = ["192.0.2.1", "192.0.2.2"];
    it.zone["off.example.com"] = ["192.0.2.3"];
    it.answer();
    // One without weight takes nothing.
    expect(it.members().map(({ target, weight }) => [target.address, weight / 840])).toEqual([
      ["203.0.113.1", 1],
      ["192.0.2.1", 1.5],
      ["192.0.2.2", 1.5],
    ]);
  });
});

describe("a cluster whose connections go where their clients meant to go", () => {
  test("has one upstream for each place, which ends when nobody uses it", () => {
    const { upstreams, pass } = scene([]);
    const model = create(ClusterSchema, {
      namespace: "shop",
      service: "net",
      port: 443,
      original: { port: 8443 },
      tls: { hostname: "" },
    });
    const apply = (clusters: readonly (typeof model)[]) =>
      upstreams.applySnapshot(fakeSnapshot({ mesh: new TestMesh().mesh, clusters }));
    apply([model]);
    const place = { host: "192.0.2.1", port: 443, name: "a.example.com" };
    const first = upstreams.toward("shop/net:443", place);
    expect(first?.picker.members.map(({ target }) => `${target.address}:${target.port}`)).toEqual([
      "192.0.2.1:8443",
    ]);
    expect(upstreams.toward("shop/net:443", { ...place })).toBe(first);
    expect(upstreams.toward("shop/net:443", { ...place, name: "b.example.com" })).not.toBe(first);
    expect(upstreams.toward("shop/other:443", place)).toBeUndefined();
    pass(119);
    expect([...upstreams.endpoints()]).toHaveLength(2);
    pass(1);
    expect([...upstreams.endpoints()]).toHaveLength(0);
    upstreams.toward("shop/net:443", place);
    apply([]);
    expect([...upstreams.endpoints()]).toHaveLength(0);
  });

  test("has a bounded number of them: the idle give way, those in use stay", () => {
    const { upstreams } = scene([]);
    const model = create(ClusterSchema, { namespace: "shop", service: "net", port: 443, original: {} });
    upstreams.applySnapshot(fakeSnapshot({ mesh: new TestMesh().mesh, clusters: [model] }));
    const toward = (i: number) =>
      upstreams.toward("shop/net:443", { host: `10.${i >> 8}.${i & 255}.1`, port: 443, name: "" });
    for (let i = 0; i < 2_000; i++) toward(i);
    expect([...upstreams.endpoints()]).toHaveLength(1_024);
    for (const endpoint of upstreams.endpoints()) endpoint.inFlight = 1;
    expect(toward(5_000)).toBeUndefined();
  });
});
