/** What is said beside the verdict: hints, explanations, what a verdict depends on. The verdicts are in test/conformance/authorization. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "bun:test";
import {
  AuthorizationAction,
  AuthorizationLevel,
  type AuthorizationPolicySchema,
  AuthorizationSchema,
  ExpressionOperator,
  type ExpressionSchema,
} from "../../model/index.ts";
import { requestOf } from "../test/request.ts";
import { AuthorizationTable } from "./authorization.ts";
import type { AdmissionRequest } from "./request.ts";

type Policy = MessageInitShape<typeof AuthorizationPolicySchema>;

const mesh = { trustDomain: "mesh", trustDomainAliases: [] };

function tableOf(...policies: Policy[]): AuthorizationTable {
  return AuthorizationTable.prepare(create(AuthorizationSchema, { policies }), mesh);
}

function allow(name: string, rules: Policy["rules"]): Policy {
  return {
    source: { kind: "AuthorizationPolicy", namespace: "shop", name },
    action: AuthorizationAction.ALLOW,
    level: AuthorizationLevel.WORKLOAD,
    rules: rules ?? [],
  };
}

const caller = {
  identity: "spiffe://mesh/ns/web/sa/front",
  address: "10.0.0.1",
  addressPort: 4000,
  isTls: true,
  serverName: "",
  port: 80,
  service: "shop/orders",
  destination: "shop/orders-1",
};

function ask(
  target: string,
  init: { method?: string; headers?: Record<string, string> } = {},
): AdmissionRequest {
  const view = requestOf(target, init);
  return {
    caller,
    remoteAddress: "10.0.0.1",
    http: {
      ...view,
      authority: "a.test",
      scheme: "http",
      version: "HTTP/1.1",
      isGrpc: false,
      requestId: "1",
    },
    claims: undefined,
    nowMs: 0,
  };
}

function hintOf(table: AuthorizationTable, request: AdmissionRequest): string {
  const verdict = table.decide(request, () => undefined);
  return verdict.verdict === "deny" ? verdict.hint : "";
}

function claim(...keys: string[]): MessageInitShape<typeof ExpressionSchema> {
  return { kind: { case: "attribute", value: { name: "jwt.claims", keys } } };
}

test("the hint names the policies that had to match, the nearest rule and what it lacks", () => {
  const table = tableOf(
    allow("far", [{ name: "x", from: [{ namespaces: ["ops"] }], to: [{ methods: ["PUT"] }] }]),
    allow("near", [
      { name: "read", from: [{ namespaces: ["web"] }], to: [{ methods: ["GET"], paths: ["/orders/{*}"] }] },
    ]),
  );
  expect(hintOf(table, ask("/orders/7", { method: "DELETE" }))).toBe(
    "no allow policy of the workload level matches (AuthorizationPolicy shop/far, AuthorizationPolicy shop/near); " +
      "nearest is AuthorizationPolicy shop/near read: to[0].methods: DELETE, wanted is GET; extend it or add a rule",
  );
});

test("the hint of an allow without rules says so", () => {
  expect(hintOf(tableOf(allow("nobody", [])), ask("/"))).toContain("they have no rules");
});

test("the hint shows the reading of the path that is not allowed", () => {
  const table = tableOf(allow("public", [{ name: "p", to: [{ paths: ["/public/*"] }] }]));
  expect(hintOf(table, ask("/public/..%2fadmin"))).toContain("to[0].paths: /admin, wanted is /public/*");
});

test("no value of a header and no claim is in a hint or an explanation", () => {
  const secret = "s3cr3t";
  const table = tableOf(
    allow("keys", [
      {
        name: "k",
        to: [
          {
            headers: [{ name: "x-api-key", value: "abc" }],
            notHeaders: [{ name: "authorization", value: "*" }],
          },
        ],
      },
      { name: "c", when: [claim("token")], whenTexts: ["jwt.claims.token"] },
    ]),
  );
  const headers = { "x-api-key": secret, authorization: secret };
  const request: AdmissionRequest = { ...ask(`/?key=${secret}`, { headers }), claims: { token: secret } };
  const said = JSON.stringify([hintOf(table, request), table.explain(request)]);
  expect(said).toContain("to[0].headers: what the request has, wanted is x-api-key");
  expect(said).toContain("asks for something that is absent or of another type");
  expect(said).not.toContain(secret);
});

test("explains every rule of every policy, those that decide nothing too", () => {
  const table = tableOf(
    allow("a", [
      { name: "r0", to: [{ ports: [81] }] },
      { name: "r1", to: [{ ports: [80] }] },
    ]),
    {
      ...allow("b", [{ name: "r0", from: [{ notNamespaces: ["web"] }] }]),
      action: AuthorizationAction.DENY,
      dryRun: true,
    },
  );
  expect(
    table.explain(ask("/")).policies.map(({ isMatch, isDryRun, rules }) => ({ isMatch, isDryRun, rules })),
  ).toEqual([
    {
      isMatch: true,
      isDryRun: false,
      rules: [
        { rule: "r0", isMatch: false, mismatch: "to[0].ports: 80, wanted is 81" },
        { rule: "r1", isMatch: true, mismatch: "" },
      ],
    },
    {
      isMatch: false,
      isDryRun: true,
      rules: [
        {
          rule: "r0",
          isMatch: false,
          mismatch: "from[0].notNamespaces: spiffe://mesh/ns/web/sa/front is excluded",
        },
      ],
    },
  ]);
});

test.each<[string, Policy["rules"], boolean, boolean]>([
  [
    "callers only",
    [{ from: [{ namespaces: ["a"], ipBlocks: ["10.0.0.0/8"] }], to: [{ ports: [80], serverNames: ["a"] }] }],
    false,
    false,
  ],
  ["a method", [{ to: [{ notMethods: ["GET"] }] }], true, false],
  ["the client behind proxies", [{ from: [{ remoteIpBlocks: ["10.0.0.0/8"] }] }], true, false],
  ["a token's principal", [{ from: [{ jwtPrincipals: ["*"] }] }], true, true],
  [
    "a condition on the caller",
    [{ when: [{ kind: { case: "attribute", value: { name: "connection.tls", keys: [] } } }] }],
    false,
    false,
  ],
  [
    "a condition on a claim",
    [
      {
        when: [
          { kind: { case: "call", value: { operator: ExpressionOperator.NOT, arguments: [claim("a")] } } },
        ],
      },
    ],
    true,
    true,
  ],
])("says whether it needs the request: %s", (_, rules, needsHttp, needsClaims) => {
  const table = tableOf(allow("p", rules));
  expect([table.needsHttp, table.needsClaims]).toEqual([needsHttp, needsClaims]);
});

const actions = [
  AuthorizationAction.UNSPECIFIED,
  AuthorizationAction.DENY,
  AuthorizationAction.CUSTOM,
  AuthorizationAction.ALLOW,
  AuthorizationAction.AUDIT,
];

test("never throws, whatever it is given", () => {
  const odd = ["", "*", "**", "a*b", "/{", "{**}", "[", "(", "%", "1.2.3.4/99", "::/999", "\u0000", "\ud800"];
  for (const text of odd) {
    const lists = { identities: [text], namespaces: [text], ipBlocks: [text], remoteIpBlocks: [text] };
    const operation = {
      methods: [text],
      paths: [text],
      hosts: [text],
      grpcMethods: [text],
      headers: [{ name: text, value: text }],
    };
    const when: MessageInitShape<typeof ExpressionSchema>[] = [
      { kind: { case: "attribute", value: { name: text, keys: [text] } } },
      { kind: { case: "value", value: {} } },
      {},
    ];
    const policy = allow("odd", [{ from: [lists], to: [operation], when }]);
    for (const action of actions) {
      const table = tableOf({ ...policy, action });
      for (const request of [ask(text), ask("/"), { ...ask("/"), http: undefined }])
        expect(table.explain(request).verdict.verdict).toBeString();
    }
  }
});

test("what depends on the connection alone is decided once for it, and told of each request", () => {
  const audit: Policy = { ...allow("watch", [{ name: "w" }]), action: AuthorizationAction.AUDIT };
  const ofCaller = tableOf(allow("front", [{ name: "f", from: [{ namespaces: ["web"] }] }]), audit);
  let reads = 0;
  const watched = new Proxy(caller, {
    get(target, name) {
      reads++;
      return Reflect.get(target, name);
    },
  });
  const told: string[] = [];
  const decide = (request: AdmissionRequest): string =>
    ofCaller.decide(request, (by, verdict) => void told.push(`${by.source.name} ${verdict}`)).verdict;
  expect(decide({ ...ask("/"), caller: watched })).toBe("allow");
  const readsOfFirst = reads;
  expect(readsOfFirst).toBeGreaterThan(0);
  expect(decide({ ...ask("/other"), caller: watched })).toBe("allow");
  expect(reads).toBe(readsOfFirst);
  expect(told).toEqual(["watch audited", "watch audited"]);
  expect(decide({ ...ask("/"), caller: { ...caller, identity: "spiffe://mesh/ns/ops/sa/x" } })).toBe("deny");
});

test("what reads the request is decided for each", () => {
  const table = tableOf(allow("get", [{ name: "g", to: [{ methods: ["GET"] }] }]));
  const verdicts = ["GET", "PUT", "GET"].map(
    (method) => table.decide(ask("/", { method }), () => {}).verdict,
  );
  expect(verdicts).toEqual(["allow", "deny", "allow"]);
});
