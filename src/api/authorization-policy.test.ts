/** What an AuthorizationPolicy may say, and what is refused when it is written. */
import { expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

const web = { targetRefs: [{ kind: "Service", name: "web" }] };

function policy(spec: object, namespace = "shop"): unknown {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthorizationPolicy",
    metadata: { name: "p", namespace },
    spec,
  };
}

const custom = { backendRef: { name: "authz", port: 9000 }, protocol: "GRPC" };

test("a rule with everything is valid", () => {
  const rules = [
    {
      name: "readers",
      from: [
        {
          identities: ["ns/shop/sa/web", "ns/shop/*", "spiffe://other.weft/*", "*/sa/admin", "*"],
          notIdentities: ["ns/shop/sa/evil"],
          namespaces: ["shop", "shop-*", "*-test"],
          serviceAccounts: ["shop/web", "shop/*"],
          trustDomains: ["old.weft"],
          ipBlocks: ["10.0.0.0/8", "fd00::/8"],
          notRemoteIpBlocks: ["192.0.2.1/32"],
          jwtPrincipals: ["https://issuer.example/*"],
        },
      ],
      to: [
        {
          methods: ["GET", "HEAD"],
          paths: ["/", "/orders/*", "*.html", "/orders/{*}/items", "/files/{**}"],
          notPaths: ["/orders/secret"],
          hosts: ["shop.example.com", "*.example.com", "shop.example.com:8080"],
          ports: [8080],
          serverNames: ["shop.example.com"],
          grpcServices: ["shop.v1.Orders"],
          grpcMethods: ["shop.v1.Orders/Get", "shop.v1.Orders/*"],
          notHeaders: [{ name: "X-Debug", value: "*" }],
        },
      ],
      when: ['request.headers["x-user"] == "a"'],
    },
  ];
  const written: unknown = parsedAs("AuthorizationPolicy", policy({ ...web, rules })).spec.rules;
  expect(written).toEqual(rules);
});

test("defaults: it allows, for real, nothing", () => {
  const { action, mode, rules } = parsedAs("AuthorizationPolicy", policy(web)).spec;
  expect({ action, mode, rules: rules.length }).toEqual({ action: "Allow", mode: "Enforce", rules: 0 });
});

test("whoever is asked has a second, and no answer refuses", () => {
  const { spec } = parsedAs(
    "AuthorizationPolicy",
    policy({ ...web, action: "Custom", rules: [{}], custom: { ...custom, body: { maxBytes: 1024 } } }),
  );
  expect(spec.custom).toMatchObject({
    timeout: "1s",
    failOpen: false,
    statusOnError: 403,
    body: { maxBytes: 1024, allowPartial: false },
  });
});

const from = (caller: object) => ({ ...web, rules: [{ from: [caller] }] });
const to = (operation: object) => ({ ...web, rules: [{ to: [operation] }] });

test.each<[object, string]>([
  [{}, "spec: must have exactly one of targetRefs, selector"],
  [
    { ...web, selector: { matchLabels: { app: "a" } } },
    "spec: must have exactly one of targetRefs, selector",
  ],
  [{ selector: { matchLabels: {} } }, "spec.selector.matchLabels: must have a label"],
  [{ targetRefs: [{ kind: "ExternalService", name: "x" }] }, "spec.targetRefs[0].kind: must be one of"],
  [
    { targetRefs: [{ kind: "Namespace", name: "other" }] },
    "spec.targetRefs[0].name: must be the policy's own namespace, shop",
  ],
  [{ targetRefs: [{ kind: "MeshConfig", name: "mesh" }] }, "must be in namespace weft-system"],
  [
    { targetRefs: [{ kind: "Namespace", name: "shop", sectionName: "a" }] },
    "spec.targetRefs[0].sectionName: must be absent; a Namespace has no sections",
  ],
  [{ ...web, action: "Deny" }, "spec.rules: must have a rule: Deny without rules does nothing"],
  [{ ...web, action: "Audit" }, "spec.rules: must have a rule: Audit without rules"],
  [{ ...web, action: "Custom", rules: [{}] }, "spec.custom: is required where action is Custom"],
  [{ ...web, custom }, "spec.custom: must be absent where action is Allow"],
  [
    { ...web, action: "Custom", rules: [{}], custom: { ...custom, pathPrefix: "/a" } },
    "spec.custom.pathPrefix: has no meaning where protocol is GRPC",
  ],
  [
    { ...web, action: "Custom", rules: [{}], custom: { ...custom, protocol: "HTTP", context: { a: "b" } } },
    "spec.custom.context: has no meaning where protocol is HTTP",
  ],
  [
    { ...web, action: "Custom", rules: [{}], custom: { ...custom, timeout: "2m" } },
    "spec.custom.timeout: must be",
  ],
  [
    { ...web, action: "Custom", rules: [{}], custom: { ...custom, backendRef: { name: "authz" } } },
    "spec.custom.backendRef.port: is required",
  ],
  [from({}), "spec.rules[0].from[0]: says nothing"],
  [to({}), "spec.rules[0].to[0]: says nothing"],
  [from({ identities: [] }), "spec.rules[0].from[0].identities: must have"],
  [from({ identities: ["shop/web"] }), "spec.rules[0].from[0].identities[0]: must be an identity such as"],
  [from({ identities: ["ns/shop"] }), "spec.rules[0].from[0].identities[0]: must be whole"],
  [from({ identities: ["ns/*/sa/web"] }), "spec.rules[0].from[0].identities[0]: must be an identity such as"],
  [from({ namespaces: ["a*b"] }), "spec.rules[0].from[0].namespaces[0]: must be the name of a namespace"],
  [
    from({ serviceAccounts: ["web"] }),
    "spec.rules[0].from[0].serviceAccounts[0]: must be a namespace and a name",
  ],
  [
    from({ ipBlocks: ["10.0.0.1/8"] }),
    "spec.rules[0].from[0].ipBlocks[0]: must be a prefix without host bits",
  ],
  [from({ remoteIpBlocks: ["10.0.0.1"] }), "spec.rules[0].from[0].remoteIpBlocks[0]: must be a prefix"],
  [to({ paths: ["orders"] }), "spec.rules[0].to[0].paths[0]: does not begin with / or *"],
  [to({ paths: ["/a/*/b"] }), "spec.rules[0].to[0].paths[0]: has a * in its middle"],
  [to({ notPaths: ["/a/{id}"] }), 'spec.rules[0].to[0].notPaths[0]: has the segment "{id}"'],
  [to({ paths: ["/a/../b"] }), "spec.rules[0].to[0].paths[0]: has a dot segment"],
  [to({ paths: ["/a?b"] }), "spec.rules[0].to[0].paths[0]: has a query or a fragment"],
  [to({ paths: ["/a b"] }), "spec.rules[0].to[0].paths[0]: must be a path such as"],
  [to({ methods: ["GET POST"] }), "spec.rules[0].to[0].methods[0]: must be a method"],
  [to({ hosts: ["https://a"] }), "spec.rules[0].to[0].hosts[0]: must be a host"],
  [to({ ports: [0] }), "spec.rules[0].to[0].ports[0]: must be"],
  [to({ headers: [{ name: "a b" }] }), "spec.rules[0].to[0].headers[0].name: must be an HTTP header name"],
  [to({ grpcMethods: ["Get"] }), "spec.rules[0].to[0].grpcMethods[0]: must be a gRPC method"],
  [{ ...web, rules: [{ name: "a" }, { name: "a" }] }, "spec.rules[1].name: a is listed twice"],
])("%j: %s", (spec, expected) => {
  expect(issuesOf(policy(spec)).join("\n")).toContain(expected);
});

test("every problem is said at once", () => {
  const issues = issuesOf(policy({ ...web, rules: [{ from: [{ ipBlocks: ["10.0.0.1/8", "x/y/z"] }, {}] }] }));
  expect(issues).toHaveLength(3);
});
