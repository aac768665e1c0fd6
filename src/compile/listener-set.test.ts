/** ListenerSets: who is let in, whose listener wins, which routes and certificates are theirs. */
import { describe, expect, test } from "bun:test";
import { keyOf } from "../api/index.ts";
import { shopPair } from "./test/certificates.ts";
import { CompiledGateways, gateway, grant, listenerSet, object, secret } from "./test/gateway-status.ts";
import { stored } from "./test/objects.ts";

const edge = (spec: object = {}, generation = 1) =>
  gateway({ name: "edge" }, { allowedListeners: { namespaces: { from: "All" } }, ...spec }, generation);
const http = (name: string, hostname: string, port = 80) => ({ name, port, protocol: "HTTP", hostname });
const accepted = { Accepted: "True Accepted", Programmed: "True Programmed" };
const lost = (reason: string) => ({
  Accepted: `False ${reason}`,
  Programmed: `False ${reason}`,
  Conflicted: `True ${reason}`,
});
const served = (compiled: CompiledGateways) =>
  compiled
    .gateway("default/edge")
    .listeners.map(({ source, name }) => `${source?.namespace}/${source?.name}/${name}`);

const namespace = (name: string, labels: Record<string, string>) =>
  stored({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });

describe("a set is let in", () => {
  test.each<[string, object | undefined, string[]]>([
    ["from nowhere where nothing is said", undefined, []],
    ["from nowhere", { from: "None" }, []],
    ["from the Gateway's namespace", { from: "Same" }, ["default/same"]],
    ["from everywhere", { from: "All" }, ["default/same", "red/near", "blue/far"]],
    ["by label", { from: "Selector", selector: { matchLabels: { edge: "yes" } } }, ["red/near"]],
  ])("%s", (_, namespaces, expected) => {
    const compiled = new CompiledGateways([
      gateway({ name: "edge" }, namespaces === undefined ? {} : { allowedListeners: { namespaces } }),
      namespace("red", { edge: "yes" }),
      namespace("blue", {}),
      listenerSet({ name: "same" }, [http("a", "a.example")]),
      listenerSet({ name: "near", namespace: "red" }, [http("a", "b.example")], { namespace: "default" }),
      listenerSet({ name: "far", namespace: "blue" }, [http("a", "c.example")], { namespace: "default" }),
    ]);
    const sets = ["default/same", "red/near", "blue/far"];
    for (const path of sets) {
      const conditions = compiled.conditions("ListenerSet", path);
      if (expected.includes(path)) expect(conditions).toEqual(accepted);
      else expect(conditions).toEqual({ Accepted: "False NotAllowed", Programmed: "False NotAllowed" });
    }
    expect(compiled.gatewayStatus("default/edge").attachedListenerSets).toBe(expected.length);
    expect(served(compiled)).toHaveLength(1 + expected.length);
    expect(compiled.gatewayStatus("default/edge").listeners).toHaveLength(1);
  });

  test("not where its Gateway does not exist or is refused", () => {
    const set = listenerSet({ name: "set" }, [http("a", "a.example")]);
    expect(new CompiledGateways([set]).conditions("ListenerSet", "default/set")).toEqual({
      Accepted: "False ParentNotAccepted",
      Programmed: "False ParentNotAccepted",
    });
    const refused = edge({ addresses: [{ type: "Hostname", value: "a.example" }] });
    expect(new CompiledGateways([set, refused]).conditions("ListenerSet", "default/set")).toEqual({
      Accepted: "False ParentNotAccepted",
      Programmed: "False ParentNotProgrammed",
    });
  });
});

describe("of listeners that claim the same", () => {
  test("the Gateway's stands before any set's", () => {
    const compiled = new CompiledGateways([
      edge({ listeners: [http("mine", "a.example")] }),
      listenerSet({ name: "part" }, [http("other", "b.example"), http("taken", "a.example")]),
      listenerSet({ name: "none" }, [http("taken", "a.example")]),
    ]);
    expect(compiled.conditions("Gateway", "default/edge", "mine")).toMatchObject({
      Accepted: "True Accepted",
    });
    expect(compiled.conditions("ListenerSet", "default/part")).toEqual({
      Accepted: "True ListenersNotValid",
      Programmed: "True Programmed",
    });
    expect(compiled.conditions("ListenerSet", "default/part", "taken")).toMatchObject(
      lost("HostnameConflict"),
    );
    expect(compiled.conditions("ListenerSet", "default/none")).toEqual({
      Accepted: "False ListenersNotValid",
      Programmed: "False ListenersNotValid",
    });
    expect(compiled.gatewayStatus("default/edge").attachedListenerSets).toBe(1);
    expect(served(compiled)).toEqual(["default/edge/mine", "default/part/other"]);
  });

  test.each([
    ["the older set's", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "b"],
    [
      "of sets of one age the one whose name comes first",
      "2026-01-01T00:00:00Z",
      "2026-01-01T00:00:00Z",
      "a",
    ],
  ])("%s stands before the other's", (_, ageOfA, ageOfB, winner) => {
    const compiled = new CompiledGateways([
      edge(),
      listenerSet({ name: "a", creationTimestamp: ageOfA }, [http("x", "x.example")]),
      listenerSet({ name: "b", creationTimestamp: ageOfB }, [http("x", "x.example")]),
    ]);
    const loser = winner === "a" ? "b" : "a";
    expect(compiled.conditions("ListenerSet", `default/${winner}`)).toEqual(accepted);
    expect(compiled.conditions("ListenerSet", `default/${loser}`, "x")).toMatchObject(
      lost("HostnameConflict"),
    );
    const before = served(compiled);
    const gone = compiled.compiler.apply({
      removed: [keyOf(listenerSet({ name: winner }, [http("x", "x.example")]))],
    });
    expect(gone.upserted).toHaveLength(1);
    expect(served(compiled)).not.toEqual(before);
    expect(compiled.conditions("ListenerSet", `default/${loser}`)).toEqual(accepted);
  });

  test("one that lost stands in nobody's way", () => {
    const compiled = new CompiledGateways([
      edge({ listeners: [http("mine", "a.example")] }),
      listenerSet({ name: "a" }, [{ name: "tcp", port: 80, protocol: "TCP" }]),
      listenerSet({ name: "b" }, [http("x", "x.example")]),
    ]);
    expect(compiled.conditions("ListenerSet", "default/a", "tcp")).toMatchObject(lost("ProtocolConflict"));
    expect(compiled.conditions("ListenerSet", "default/b")).toEqual(accepted);
  });
});

describe("a route", () => {
  const route = (name: string, parentRef: object, spec: object = {}) =>
    object(
      "HTTPRoute",
      { name },
      { parentRefs: [{ kind: "ListenerSet", name: "set", ...parentRef }], rules: [{}], ...spec },
    );
  const set = listenerSet({ name: "set" }, [http("http", "a.example", 8080), http("b", "b.example", 8081)]);

  test("attaches to a set, to one of its listeners, to one of its ports", () => {
    const compiled = new CompiledGateways([
      edge(),
      set,
      route("all", {}),
      route("section", { sectionName: "b" }),
      route("port", { port: 8080 }),
    ]);
    for (const name of ["all", "section", "port"]) {
      expect(compiled.conditions("HTTPRoute", `default/${name}`)).toMatchObject({
        Accepted: "True Accepted",
      });
    }
    const { status } = compiled.status("ListenerSet", "default/set");
    const counts = status.kind === "gateway" ? status.listeners.map((each) => each.attachedRoutes) : [];
    expect(counts).toEqual([2, 2]);
    // The Gateway's own listener has the same name as the set's, and none of its routes.
    expect(compiled.gatewayStatus("default/edge").listeners[0]?.attachedRoutes).toBe(0);
    const [own, first] = compiled.gateway("default/edge").listeners;
    expect(own?.virtualHosts[0]?.http?.rules).toEqual([]);
    expect(first?.virtualHosts[0]?.http?.rules.map((rule) => rule.source?.name)).toEqual(["all", "port"]);
  });

  test("of a Gateway finds nothing of its sets", () => {
    const compiled = new CompiledGateways([
      edge(),
      set,
      object("HTTPRoute", { name: "r" }, { parentRefs: [{ name: "edge", sectionName: "b" }], rules: [{}] }),
    ]);
    expect(compiled.conditions("HTTPRoute", "default/r")).toMatchObject({
      Accepted: "False NoMatchingParent",
    });
  });

  test("comes from the set's namespace, not the Gateway's, where nothing else is said", () => {
    const inRed = listenerSet({ name: "set", namespace: "red" }, [http("a", "a.example")], {
      namespace: "default",
    });
    const parent = { kind: "ListenerSet", name: "set", namespace: "red" };
    const compiled = new CompiledGateways([
      edge(),
      inRed,
      object("HTTPRoute", { name: "near", namespace: "red" }, { parentRefs: [parent], rules: [{}] }),
      object("HTTPRoute", { name: "far" }, { parentRefs: [parent], rules: [{}] }),
    ]);
    expect(compiled.conditions("HTTPRoute", "red/near")).toMatchObject({ Accepted: "True Accepted" });
    expect(compiled.conditions("HTTPRoute", "default/far")).toMatchObject({
      Accepted: "False NotAllowedByListeners",
    });
  });

  test.each([
    ["does not exist", [edge()]],
    ["is not let in", [gateway({ name: "edge" }, {}), set]],
    ["has no Gateway", [set]],
  ])("of a set that %s has no parent", (_, objects) => {
    const compiled = new CompiledGateways([...objects, route("r", {})]);
    expect(compiled.conditions("HTTPRoute", "default/r")).toMatchObject({
      Accepted: "False NoMatchingParent",
    });
    compiled.compiler.apply({ upserted: [edge({}, 2), set] });
    expect(compiled.conditions("HTTPRoute", "default/r")).toMatchObject({ Accepted: "True Accepted" });
  });
});

describe("a certificate", () => {
  const https = (reference: object) => ({
    name: "https",
    port: 443,
    protocol: "HTTPS",
    tls: { certificateRefs: [reference] },
  });
  const inRed = (reference: object) =>
    listenerSet({ name: "set", namespace: "red" }, [https(reference)], { namespace: "default" });

  test("is the set's namespace's", () => {
    const compiled = new CompiledGateways([
      edge(),
      inRed({ name: "shop" }),
      secret({ name: "shop", namespace: "red" }, shopPair),
    ]);
    expect(compiled.conditions("ListenerSet", "red/set")).toEqual(accepted);
    expect(compiled.gateway("default/edge").certificates).toEqual(["red/shop"]);
  });

  test.each([
    ["Gateway", "False RefNotPermitted"],
    ["ListenerSet", "True ResolvedRefs"],
  ])("of a third namespace is lent by a grant for kind %s: %s", (kind, resolved) => {
    const compiled = new CompiledGateways([
      edge(),
      inRed({ name: "shop", namespace: "certs" }),
      secret({ name: "shop", namespace: "certs" }, shopPair),
      grant("certs", { kind, namespace: "red" }, { kind: "Secret" }),
    ]);
    expect(compiled.conditions("ListenerSet", "red/set", "https")).toMatchObject({ ResolvedRefs: resolved });
  });
});

test("isolation holds between the Gateway's listeners and a set's", () => {
  const rule = (name: string, parentRef: object, hostname: string) =>
    object("HTTPRoute", { name }, { parentRefs: [parentRef], hostnames: [hostname], rules: [{}] });
  const compiled = new CompiledGateways([
    edge(),
    listenerSet({ name: "set" }, [http("a", "a.example")]),
    rule("general", { name: "edge" }, "a.example"),
    rule("special", { kind: "ListenerSet", name: "set" }, "a.example"),
  ]);
  const hosts = compiled
    .gateway("default/edge")
    .listeners.flatMap(({ name, virtualHosts }) =>
      virtualHosts.map((host) => `${name} ${host.hostname} ${host.http?.rules.length}`),
    );
  expect(hosts).toEqual(["http * 0", "a a.example 1"]);
});
