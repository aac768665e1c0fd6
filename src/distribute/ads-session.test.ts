/** The discovery protocol without a socket: requests in, encoded responses out. */
import { describe, expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { VirtualClock } from "../kernel/index.ts";
import { CommitSchema, type ModelKind, typeUrl } from "../model/index.ts";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  RefusedResourcesSchema,
  type StatusSchema,
} from "../wire/index.ts";
import { type AdsRefusal, AdsSession } from "./ads-session.ts";
import { ResponseEncoder } from "./response-encoder.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { FakeSource } from "./testing.ts";
import type { ProxyIdentity } from "./wishes.ts";

interface Setup {
  readonly source?: FakeSource;
  readonly mayActFor?: (workload: string, role: ProxyIdentity["role"]) => boolean;
  readonly admit?: () => AdsRefusal;
}

function start({
  admit,
  source = new FakeSource().put("Mesh", "mesh", "m1"),
  mayActFor = () => true,
}: Setup = {}) {
  const core = new SubscriptionCore(source, new VirtualClock());
  const responses: DeltaDiscoveryResponse[] = [];
  const opened: ProxyIdentity[] = [];
  const rejections: string[] = [];
  const revoked: AdsRefusal[] = [];
  const deferred: (() => void)[] = [];
  const session = new AdsSession({
    core,
    encoder: new ResponseEncoder(),
    mayActFor,
    defer: (flush) => void deferred.push(flush),
    send: (parts) => void responses.push(fromBinary(DeltaDiscoveryResponseSchema, Buffer.concat(parts))),
    ...(admit === undefined ? {} : { admit }),
    onOpen: (identity) => void opened.push(identity),
    onRevoked: (refusal) => void revoked.push(refusal),
    onRejected: (_identity, message) => void rejections.push(message),
  });
  const send = (kind: ModelKind, request: MessageInitShape<typeof DeltaDiscoveryRequestSchema> = {}) =>
    session.receive(create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrl(kind), ...request }));
  const flush = (): void => {
    for (const run of deferred.splice(0)) run();
  };
  /** Everything received since the last call. */
  const take = (): DeltaDiscoveryResponse[] => {
    flush();
    return responses.splice(0);
  };
  const answer = (
    { typeUrl: url, nonce }: DeltaDiscoveryResponse,
    error?: string | MessageInitShape<typeof StatusSchema>,
  ) =>
    session.receive(
      create(DeltaDiscoveryRequestSchema, {
        typeUrl: url,
        responseNonce: nonce,
        ...(error === undefined
          ? {}
          : { errorDetail: typeof error === "string" ? { code: 3, message: error } : error }),
      }),
    );
  return { source, core, session, send, take, answer, opened, rejections, revoked };
}

const sidecar = { id: "shop/web", metadata: { role: "sidecar", namespace: "shop" } };
const gateway = { id: "edge/gw", metadata: { role: "gateway" } };

function shape(response: DeltaDiscoveryResponse): string {
  const kind = response.typeUrl.split(".").at(-1) ?? "";
  const upserts = response.resources.map(({ name, version }) => ` +${name}@${version}`);
  return `${kind}${[...upserts, ...response.removedResources.map((name) => ` -${name}`)].join("")}`;
}

test("a change is one response for each kind, in order, and ends with a commit", () => {
  const source = new FakeSource()
    .put("Mesh", "mesh", "m1")
    .put("Inbound", "shop/web", "i1")
    .put("Outbound", "o", "o1", ["c"])
    .put("Cluster", "c", "c1")
    .put("Endpoint", "c#a", "e1");
  const { send, take, opened } = start({ source });
  send("Outbound", { node: sidecar, resourceNamesSubscribe: ["o", "missing"] });
  const responses = take();
  expect(opened).toEqual([{ workload: "shop/web", namespace: "shop", name: "web", role: "sidecar" }]);
  expect(responses.map(shape)).toEqual([
    "Cluster +c@c1",
    "Endpoint +c#a@e1",
    "Outbound +o@o1",
    "Inbound +shop/web@i1",
    "Mesh +mesh@m1",
    "Outbound -missing",
    "Commit +commit@1",
  ]);
  expect(responses.map(({ nonce }) => nonce)).toEqual(["1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1"]);
  const outbound = responses[2]?.resources[0]?.resource;
  expect(outbound?.typeUrl).toBe("type.weft.dev/weft.model.v1.Outbound");
  expect(new TextDecoder().decode(outbound?.value)).toBe("o=o1");
  const commit = fromBinary(
    CommitSchema,
    responses.at(-1)?.resources[0]?.resource?.value ?? new Uint8Array(),
  );
  expect([commit.revision, commit.sequence]).toEqual([1n, 1n]);
});

test("the first requests of a stream are answered together", () => {
  const source = new FakeSource().put("Mesh", "mesh", "m1").put("Name", "a", "n1").put("Name", "b", "n1");
  const { send, take } = start({ source });
  send("Mesh", { node: sidecar, initialResourceVersions: { mesh: "m1" } });
  send("Name", { resourceNamesSubscribe: ["a", "b"], initialResourceVersions: { a: "n1" } });
  expect(take().map(shape)).toEqual(["Name +b@n1", "Commit +commit@1"]);
});

test("the commit's acknowledgement settles a change, those before it do not", () => {
  const { send, take, answer, core, source } = start();
  send("Mesh", { node: sidecar });
  const [mesh, commit] = take();
  if (mesh === undefined || commit === undefined) throw new Error("no change came");
  answer(mesh);
  source.put("Mesh", "mesh", "m2").commit();
  expect(take()).toEqual([]);
  expect(core.statuses()[0]?.isPending).toBe(true);
  answer(commit);
  expect(take().map(shape)).toEqual(["Mesh +mesh@m2", "Commit +commit@2"]);
  expect(core.statuses()[0]?.revision).toBe(1);
});

test("a rejected response is known, logged, and counts for its own resources only", () => {
  const source = new FakeSource().put("Mesh", "mesh", "m1").put("Inbound", "shop/web", "bad");
  const { send, take, answer, core, rejections } = start({ source });
  send("Mesh", { node: sidecar });
  const [inbound, mesh, commit] = take();
  if (inbound === undefined || mesh === undefined || commit === undefined) throw new Error("no change came");
  answer(inbound, "Inbound shop/web: no such mode");
  answer(mesh);
  answer(commit);
  expect(take()).toEqual([]);
  expect(rejections).toEqual(["Inbound shop/web: no such mode"]);
  expect(core.statuses()[0]?.rejection?.message).toBe("Inbound shop/web: no such mode");
  source.put("Mesh", "mesh", "m2").commit();
  expect(take().map(shape)).toEqual(["Mesh +mesh@m2", "Commit +commit@2"]);
});

describe("a rejection that names resources", () => {
  const named = (...resources: { name: string; why: string }[]) => ({
    code: 3,
    message: "some of it",
    details: [anyPack(RefusedResourcesSchema, create(RefusedResourcesSchema, { resources }))],
  });
  const begin = () => {
    const source = new FakeSource()
      .put("Mesh", "mesh", "m1")
      .put("Outbound", "a", "a1")
      .put("Outbound", "b", "b1");
    const started = start({ source });
    started.send("Outbound", { node: sidecar, resourceNamesSubscribe: ["a", "b"] });
    return started;
  };

  test("counts for these alone: the rest of the response is known to be there", () => {
    const { take, answer, core, source } = begin();
    const told: number[] = [];
    core.onRefusals(() => void told.push(core.refusals().size));
    for (const response of take())
      answer(
        response,
        response.typeUrl === typeUrl("Outbound") ? named({ name: "a", why: "no" }) : undefined,
      );
    expect(core.refusals().get("shop/web")).toMatchObject([
      { kind: "Outbound", key: "a", why: "no", revision: 1 },
    ]);
    expect(core.refusalCounts).toEqual(new Map([["Outbound", 1]]));
    expect(core.statuses()[0]).toMatchObject({ revision: 0, answered: 1 });
    source.put("Outbound", "b", "b2").commit();
    const second = take();
    expect(second.map(shape)).toEqual(["Outbound +b@b2", "Commit +commit@2"]);
    for (const response of second) answer(response);
    expect(core.statuses()[0]).toMatchObject({ revision: 0, answered: 2 });
    source.put("Outbound", "a", "a2").commit();
    const third = take();
    expect(third.map(shape)).toEqual(["Outbound +a@a2", "Commit +commit@3"]);
    for (const response of third) answer(response);
    expect(core.statuses()[0]).toMatchObject({ revision: 3, answered: 3, refused: [] });
    expect([core.refusals().size, told.at(-1)]).toEqual([0, 0]);
  });

  test.each([
    ["that are not in the response", named({ name: "c", why: "no" })],
    [
      "in a form that is not known",
      { code: 3, message: "no", details: [{ typeUrl: "x/y", value: Uint8Array.of(255) }] },
    ],
    [
      "in bytes that are none",
      {
        code: 3,
        message: "no",
        details: [{ typeUrl: `x/${RefusedResourcesSchema.typeName}`, value: Uint8Array.of(255) }],
      },
    ],
  ])("%s counts for all of the response", (_, error) => {
    const { take, answer, core } = begin();
    for (const response of take())
      answer(response, response.typeUrl === typeUrl("Outbound") ? error : undefined);
    expect(
      core
        .refusals()
        .get("shop/web")
        ?.map(({ key }) => key),
    ).toEqual(["a", "b"]);
  });

  test("of a stream that ends is forgotten", () => {
    const { take, answer, core, session } = begin();
    for (const response of take())
      answer(response, response.typeUrl === typeUrl("Outbound") ? "no" : undefined);
    expect(core.refusals().size).toBe(1);
    session.close();
    expect(core.refusals().size).toBe(0);
  });
});

test("a rejected commit rejects all of it, and nothing is sent again by itself", () => {
  const { send, take, answer, core, source } = start();
  send("Mesh", { node: sidecar });
  const [, commit] = take();
  if (commit === undefined) throw new Error("no change came");
  answer(commit, "cannot swap");
  expect(take()).toEqual([]);
  expect(core.statuses()[0]).toMatchObject({ revision: 0, isPending: false });
  source.put("Mesh", "mesh", "m2").commit();
  expect(take().map(shape)).toEqual(["Mesh +mesh@m2", "Commit +commit@2"]);
});

test("answers with nonces that are old or not ours change nothing", () => {
  const { send, take, core } = start();
  send("Mesh", { node: sidecar });
  take();
  for (const responseNonce of ["0", "2", "1.9", "x", "-1", "1.1.1", "99999999999999999999"]) {
    expect(send("Commit", { responseNonce })).toBeUndefined();
  }
  expect(core.statuses()[0]?.isPending).toBe(true);
});

test("a large change is cut into responses that any peer takes", () => {
  const source = new FakeSource().put("Outbound", "o", "o1", ["c"]).put("Cluster", "c", "c1");
  for (let i = 0; i < 30_000; i++) source.put("Endpoint", `c#${i}`, `v${"x".repeat(40)}`);
  const { send, take } = start({ source });
  send("Outbound", { node: sidecar, resourceNamesSubscribe: ["o"] });
  const responses = take();
  const parts = responses.filter((response) => response.typeUrl === typeUrl("Endpoint"));
  expect(parts.length).toBeGreaterThan(3);
  expect(parts.reduce((sum, { resources }) => sum + resources.length, 0)).toBe(30_000);
});

// Authorisation and malformed requests. The stream ends with the code.
test.each([
  ["without a node", {}, "invalid_argument"],
  ["with an id that is no workload", { node: { ...sidecar, id: "web" } }, "invalid_argument"],
  ["with three parts in its id", { node: { ...sidecar, id: "a/b/c" } }, "invalid_argument"],
  ["without a role", { node: { id: "shop/web", metadata: {} } }, "invalid_argument"],
  ["with an unknown role", { node: { id: "shop/web", metadata: { role: "king" } } }, "invalid_argument"],
  [
    "with another namespace in its metadata",
    { node: { id: "shop/web", metadata: { role: "sidecar", namespace: "bank" } } },
    "invalid_argument",
  ],
  [
    "for a workload that its certificate is not for",
    { node: { id: "bank/vault", metadata: { role: "sidecar" } } },
    "permission_denied",
  ],
  [
    "as a gateway with a sidecar's certificate",
    { node: { ...gateway, id: "shop/web" } },
    "permission_denied",
  ],
] as const)("refuses a stream %s", (_name, request, code) => {
  const mayActFor: Setup["mayActFor"] = (workload, role) => workload === "shop/web" && role === "sidecar";
  const { send, take, opened, core } = start({ mayActFor });
  expect(send("Mesh", request)?.code).toBe(code);
  expect(take()).toEqual([]);
  expect(opened).toEqual([]);
  expect(core.statuses()).toEqual([]);
});

test.each([
  ["another namespace's outbounds", sidecar, "Outbound", "bank/vault:80@bank", "permission_denied"],
  ["another workload's inbound", sidecar, "Inbound", "shop/other", "permission_denied"],
  ["a gateway's configuration", sidecar, "Gateway", "edge/public", "permission_denied"],
  ["all gateways", sidecar, "Gateway", "*", "permission_denied"],
  ["an empty name", sidecar, "Name", "", "invalid_argument"],
  ["a name without end", sidecar, "Name", "n".repeat(513), "invalid_argument"],
] as const)("refuses a sidecar that asks for %s", (_name, ...[node, kind, key, code]) => {
  const { send } = start({ mayActFor: (workload) => workload === "shop/web" });
  expect(send("Mesh", { node })).toBeUndefined();
  expect(send(kind, { resourceNamesSubscribe: [key] })?.code).toBe(code);
});

test("a proxy of several workloads may ask for the inbound of each that its certificate is for", () => {
  const source = new FakeSource().put("Inbound", "shop/other", "i1");
  const { send, take } = start({ source, mayActFor: (workload) => workload.startsWith("shop/") });
  send("Inbound", { node: sidecar, resourceNamesSubscribe: ["shop/other"] });
  expect(take().map(shape)).toEqual(["Inbound +shop/other@i1", "Commit +commit@1"]);
});

test("a gateway gets all gateways and no inbound", () => {
  const source = new FakeSource().put("Gateway", "edge/public", "g1").put("Inbound", "edge/gw", "i1");
  const { send, take } = start({ source });
  send("Gateway", { node: gateway, resourceNamesSubscribe: ["*"] });
  expect(take().map(shape)).toEqual(["Gateway +edge/public@g1", "Commit +commit@1"]);
});

test("an unknown type and too many names end the stream", () => {
  const { send, session } = start();
  send("Mesh", { node: sidecar });
  const unknown: DeltaDiscoveryRequest = create(DeltaDiscoveryRequestSchema, {
    typeUrl: "type.googleapis.com/x",
  });
  expect(session.receive(unknown)?.code).toBe("invalid_argument");
  const names = Array.from({ length: 16_385 }, (_, i) => `n${i}`);
  expect(send("Name", { resourceNamesSubscribe: names })?.code).toBe("resource_exhausted");
});

test.each(["Cluster", "Certificate"] as const)(
  "naming a %s is no request: it comes with what refers to it",
  (kind) => {
    const source = new FakeSource().put(kind, "c", "c1");
    const { send, take } = start({ source });
    send(kind, { node: sidecar, resourceNamesSubscribe: ["c"] });
    expect(take().map(shape)).toEqual(["Commit +commit@1"]);
  },
);

test("a workload that was registered for another account meanwhile is not told to who opened its stream", () => {
  let isAllowed = true;
  const source = new FakeSource().put("Mesh", "mesh", "m1");
  const { send, take, answer, revoked } = start({ source, mayActFor: () => isAllowed });
  send("Mesh", { node: sidecar });
  for (const response of take()) answer(response);
  isAllowed = false;
  source.put("Name", "x", "n1").commit();
  source.put("Inbound", "shop/web", "i1").commit();
  expect(take().flatMap(({ resources }) => resources.map(({ name }) => name))).not.toContain("shop/web");
  take();
  expect(revoked.map(({ code }) => code)).toEqual(["permission_denied"]);
});

test("a gateway whose account is taken from the mesh's list gets no key any more", () => {
  let isGateway = true;
  const source = new FakeSource().put("Mesh", "mesh", "m1").put("Gateway", "edge/a", "g1");
  const { send, take, answer, revoked } = start({
    source,
    mayActFor: (_, role) => role === "sidecar" || isGateway,
  });
  send("Mesh", { node: gateway });
  send("Gateway", { resourceNamesSubscribe: ["edge/a"] });
  for (const response of take()) answer(response);
  isGateway = false;
  source.put("Gateway", "edge/a", "g2").commit();
  expect(take()).toEqual([]);
  take();
  expect(revoked).toHaveLength(1);
});

test("one stream too many is refused before anything is sent", () => {
  const { send, take, opened } = start({ admit: () => ({ code: "resource_exhausted", message: "full" }) });
  expect(send("Mesh", { node: sidecar })?.code).toBe("resource_exhausted");
  expect([take(), opened]).toEqual([[], []]);
});
