/** What is found to be shut, and what is not: a table of policies over one small mesh. */
import { expect, test } from "bun:test";
import { isOfKind, type KindName, type Stored } from "../../api/index.ts";
import { stored } from "../test/objects.ts";
import { findLockOuts } from "./lock-out.ts";
import { meshConfig, ofSystem, policy, service, targets, wholeMesh, workload } from "./testing.ts";

const gateway = stored({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "edge", namespace: "shop" },
  spec: { gatewayClassName: "weft", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
});
const objects = [
  service("web", [{ name: "http", port: 80 }]),
  workload("web-1", { app: "web" }, [80]),
  workload("web-2", { app: "web" }, [80]),
  workload("cart-1", { app: "cart" }, [80]),
  gateway,
];

function found(
  config: object,
  policies: readonly Stored[],
  plaintextCallers: readonly string[] = [],
): string[] {
  const all = [...objects, ...policies];
  const of = <K extends KindName>(kind: K) => all.filter((object) => isOfKind(object, kind));
  const mesh = meshConfig(config);
  if (mesh.kind !== "MeshConfig") throw new Error("no MeshConfig");
  const lockOuts = findLockOuts({
    meshConfig: mesh,
    authorization: of("AuthorizationPolicy"),
    authentication: of("AuthenticationPolicy"),
    workloads: of("MeshWorkload"),
    services: of("Service"),
    gateways: of("Gateway"),
    plaintextCallers: new Set(plaintextCallers),
  });
  return [...lockOuts.values()].toSorted();
}

const authz = (name: string, spec: object, written = {}) =>
  policy("AuthorizationPolicy", name, spec, written);
const deny = (aim: object, rules: object[], written = {}) =>
  authz("d", { ...aim, action: "Deny", rules }, written);
const allow = (name: string, aim: object, rules: object[] = [{ from: [{ namespaces: ["shop"] }] }]) =>
  authz(name, { ...aim, rules });

const shop = targets("Namespace", "shop");
const web = targets("Service", "web");
const chosen = { selector: { matchLabels: { app: "cart" } } };
const denyByDefault = { security: { defaultAuthorization: "Deny" } };
const united = { security: { defaultAuthorization: "Deny", authorizationLevels: "Unite" } };
const byDefault = "MeshConfig denies by default and no policy allows anything";
const everybody = "AuthorizationPolicy shop/d denies everything to everybody";

test.each<[string, object, Stored[], string[]]>([
  ["nothing without policies", {}, [], []],
  [
    "a deny of everything for the mesh",
    {},
    [deny(wholeMesh, [{}], ofSystem)],
    ["Gateway shop/edge", "shop/cart-1", "shop/web-1 and 1 more"].map(
      (place) => `AuthorizationPolicy weft-system/d denies everything to everybody at ${place}`,
    ),
  ],
  ["a deny of everything for a Service", {}, [deny(web, [{}])], [`${everybody} at shop/web-1 and 1 more`]],
  ["a deny of everything by labels", {}, [deny(chosen, [{}])], [`${everybody} at shop/cart-1`]],
  [
    "a deny of everybody by pattern",
    {},
    [deny(chosen, [{ from: [{ identities: ["*"] }] }])],
    [`${everybody} at shop/cart-1`],
  ],
  [
    "a deny of every address",
    {},
    [deny(chosen, [{ from: [{ ipBlocks: ["0.0.0.0/0", "::/0"] }] }])],
    [`${everybody} at shop/cart-1`],
  ],
  [
    "a deny of the gateways",
    {},
    [deny(chosen, [{ from: [{ namespaces: ["weft-*"] }] }])],
    ["AuthorizationPolicy shop/d denies everything to the gateways of weft-system/gateway at shop/cart-1"],
  ],
  ["a deny of one caller", {}, [deny(chosen, [{ from: [{ namespaces: ["evil"] }] }])], []],
  [
    "a deny of everybody but one",
    {},
    [deny(chosen, [{ from: [{ identities: ["*"], notNamespaces: ["a"] }] }])],
    [],
  ],
  ["a deny of some operations", {}, [deny(shop, [{ to: [{ methods: ["POST"] }] }])], []],
  ["a deny under a condition", {}, [deny(shop, [{ when: ["connection.tls"] }])], []],
  ["a deny of a part", {}, [deny(targets("Service", "web", "http"), [{}])], []],
  ["a deny of another namespace's Service", {}, [deny(web, [{}], { namespace: "far" })], []],
  ["a deny of what is not there", {}, [deny(targets("Service", "gone"), [{}])], []],
  [
    "a deny that is a dry run",
    {},
    [authz("d", { ...shop, action: "Deny", mode: "DryRun", rules: [{}] })],
    [],
  ],
  [
    "an allow without rules",
    {},
    [allow("a", chosen, [])],
    ["AuthorizationPolicy shop/a has no rules and allows nothing at shop/cart-1"],
  ],
  ["an allow without rules beside another of its level", {}, [allow("a", web, []), allow("b", web)], []],
  [
    "an allow without rules under another of a farther level",
    {},
    [allow("a", web, []), allow("b", shop)],
    ["AuthorizationPolicy shop/a has no rules and allows nothing at shop/web-1 and 1 more"],
  ],
  ["the same where levels are united", united, [allow("a", web, []), allow("b", shop)], []],
  [
    "an allow without rules beside one of a part",
    {},
    [allow("a", web, []), allow("b", targets("Service", "web", "http"))],
    [],
  ],
  [
    "a default of deny without policies",
    denyByDefault,
    [],
    [
      `${byDefault} at Gateway shop/edge`,
      `${byDefault} at shop/cart-1`,
      `${byDefault} at shop/web-1 and 1 more`,
    ],
  ],
  ["a default of deny with an allow for all", denyByDefault, [allow("a", shop)], []],
  [
    "a default of deny with an allow for some",
    denyByDefault,
    [allow("a", web)],
    [`${byDefault} at Gateway shop/edge`, `${byDefault} at shop/cart-1`],
  ],
  [
    "a default of deny with an allow for a route",
    denyByDefault,
    [allow("a", web), allow("b", chosen), allow("c", targets("HTTPRoute", "r"))],
    [],
  ],
])("%s", (_name, config, policies, expected) => {
  expect(found(config, policies)).toEqual(expected);
});

test("strict mTLS over callers that have no certificate, and nowhere else", () => {
  const strict = ["mTLS is strict and there are callers without a certificate at shop/cart-1"];
  const callers = ["shop/cart-1"];
  const mode = (aim: object, value: string, written = {}) =>
    policy("AuthenticationPolicy", "m", { ...aim, mtls: { mode: value } }, written);
  expect(found({}, [], callers)).toEqual(strict);
  expect(found({}, [mode(wholeMesh, "Permissive", ofSystem)], callers)).toEqual([]);
  expect(found({}, [mode(wholeMesh, "Permissive", ofSystem), mode(chosen, "Strict")], callers)).toEqual(
    strict,
  );
  expect(found({}, [mode(wholeMesh, "Permissive", ofSystem), mode(web, "Strict")], callers)).toEqual([]);
});
