/** How one snapshot follows from another, and what the two share. */
import { describe, expect, test } from "bun:test";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ClusterSchema,
  EndpointSchema,
  GatewaySchema,
  InboundSchema,
  MeshSchema,
  OutboundSchema,
} from "../../model/index.ts";
import { LiveSnapshot } from "./live-snapshot.ts";
import { prepareResource, type ResourceKind } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";

function upsert<D extends DescMessage>(
  kind: ResourceKind,
  name: string,
  schema: D,
  init: MessageInitShape<D>,
): ResourceChange {
  const bytes = toBinary(schema, create(schema, init));
  return { type: "upsert", resource: prepareResource({ kind, name, version: "1", bytes }) };
}
const remove = (kind: ResourceKind, name: string): ResourceChange => ({ type: "remove", kind, name });
const cluster = (service: string) =>
  upsert("Cluster", `default/${service}:80`, ClusterSchema, { namespace: "default", service, port: 80 });
const endpoint = (service: string, workload: string, port = 8080) =>
  upsert("Endpoint", `default/${service}:80/default/${workload}`, EndpointSchema, {
    cluster: `default/${service}:80`,
    workload: `default/${workload}`,
    port,
  });
const gateway = (name: string, port: number, hostname: string) =>
  upsert("Gateway", `default/${name}`, GatewaySchema, {
    source: { namespace: "default", name },
    listeners: [{ name: "http", port, virtualHosts: [{ hostname, http: {} }] }],
  });
const after = (snapshot: LiveSnapshot, ...changes: ResourceChange[]): LiveSnapshot =>
  snapshot.with(changes, 1, ["10.77.0.2"]);
const workloadsOf = (snapshot: LiveSnapshot, key: string): string[] =>
  snapshot.endpoints(key).map(({ workload }) => workload);

describe("endpoints", () => {
  test("come in the order of their keys and go one by one", () => {
    const first = after(LiveSnapshot.empty, endpoint("a", "w2"), endpoint("a", "w1"), endpoint("b", "w1"));
    expect(workloadsOf(first, "default/a:80")).toEqual(["default/w1", "default/w2"]);
    const second = after(first, remove("Endpoint", "default/a:80/default/w1"));
    expect(workloadsOf(second, "default/a:80")).toEqual(["default/w2"]);
    expect(workloadsOf(after(second, remove("Endpoint", "default/a:80/default/w2")), "default/a:80")).toEqual(
      [],
    );
    expect(workloadsOf(first, "default/a:80").length).toBe(2);
  });

  test("of clusters in which nothing changed are the same array, and of a changed one the other members the same objects", () => {
    const first = after(LiveSnapshot.empty, endpoint("a", "w1"), endpoint("a", "w2"), endpoint("b", "w1"));
    const second = after(first, endpoint("a", "w2", 9090));
    expect(second.endpoints("default/b:80")).toBe(first.endpoints("default/b:80"));
    expect(second.endpoints("default/a:80")).not.toBe(first.endpoints("default/a:80"));
    expect(second.endpoints("default/a:80")[0]).toBe(first.endpoints("default/a:80")[0]);
    expect(second.endpoints("default/a:80")[1]?.port).toBe(9090);
  });

  test("may come and go before and after their cluster", () => {
    const first = after(LiveSnapshot.empty, endpoint("a", "w1"));
    expect(first.cluster("default/a:80")).toBeUndefined();
    const second = after(first, cluster("a"));
    expect([...second.clusterKeys()]).toEqual(["default/a:80"]);
    expect(workloadsOf(after(second, remove("Cluster", "default/a:80")), "default/a:80")).toEqual([
      "default/w1",
    ]);
  });
});

describe("what is asked for by name", () => {
  const key = "default/a:80@default";
  const outbound = upsert("Outbound", key, OutboundSchema, {
    namespace: "default",
    service: "a",
    port: 80,
    clientNamespace: "default",
  });

  test("is unknown where it was removed, and not known where it was forgotten", () => {
    const known = after(LiveSnapshot.empty, outbound);
    expect(known.outbound(key)).toMatchObject({ key, routes: undefined });
    const gone = after(known, remove("Outbound", key), remove("Address", "10.0.0.1"), remove("Name", "x.y"));
    expect([gone.outbound(key), gone.lookupAddress("10.0.0.1"), gone.name("x.y")]).toEqual([
      "unknown",
      "unknown",
      "unknown",
    ]);
    const forgotten = after(gone, { type: "forget", kind: "Outbound", name: key });
    expect(forgotten.outbound(key)).toBeUndefined();
  });

  test("keeps its prepared routes while it does not change", () => {
    const known = after(LiveSnapshot.empty, outbound);
    expect(after(known, cluster("b")).outbound(key)).toBe(known.outbound(key));
  });
});

describe("inbound", () => {
  const inbound = upsert("Inbound", "default/w", InboundSchema, {
    workload: "default/w",
    ports: [{ port: 80 }],
  });
  const mesh = (trustDomain: string) => upsert("Mesh", "mesh", MeshSchema, { trustDomain });
  const attempt = { peerIdentity: "spiffe://a.weft/ns/x/sa/y", targetAddress: "10.77.0.2", targetPort: 80 };

  test("is prepared once the mesh is known, and anew for another trust domain only", () => {
    const alone = after(LiveSnapshot.empty, inbound);
    expect(alone.inboundTable).toBeUndefined();
    const both = after(alone, mesh("a.weft"));
    expect(both.inboundTable?.admit(attempt)).toBeUndefined();
    expect(after(both, mesh("a.weft")).inboundTable).toBe(both.inboundTable);
    expect(after(both, mesh("b.weft")).inboundTable?.admit(attempt)).toBe("peer_identity_invalid");
    expect(after(both, remove("Inbound", "default/w")).inboundTable).toBeUndefined();
  });
});

describe("gateways", () => {
  test("that share a port share its table, the first by name keeping a hostname", () => {
    const snapshot = after(
      LiveSnapshot.empty,
      gateway("z", 80, "shop.example"),
      gateway("a", 80, "blog.example"),
      gateway("b", 81, "*"),
    );
    expect(snapshot.gatewayPorts.map(({ port }) => port)).toEqual([80, 81]);
    expect(snapshot.gatewayPorts[0]?.hosts.select("shop.example")?.hostname).toBe("shop.example");
    expect(snapshot.gatewayPorts[0]?.hosts.select("blog.example")?.hostname).toBe("blog.example");
    expect(snapshot.gatewayPorts[0]?.hosts.select("other.example")).toBeUndefined();
  });

  test("keep the table of a port in which nothing changed", () => {
    const first = after(LiveSnapshot.empty, gateway("a", 80, "*"), gateway("b", 81, "*"));
    const second = after(first, gateway("b", 81, "x.example"));
    expect(second.gatewayPorts[0] === first.gatewayPorts[0]).toBe(true);
    expect(second.gatewayPorts[1]).not.toBe(first.gatewayPorts[1]);
    expect(after(second, cluster("a")).gatewayPorts).toBe(second.gatewayPorts);
  });
});
