/**
 * `npm run bench:authorization`: nanoseconds of one decision on a request. A mesh may have a thousand policies; a proxy gets
 * those of the place, here ten: three that deny, one that audits, six that allow on three levels.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AuthorizationTable } from "../../src/decide/admission/index.ts";
import { type AdmissionRequest } from "../../src/decide/index.ts";
import {
  AuthorizationAction,
  AuthorizationLevel,
  type AuthorizationPolicySchema,
  AuthorizationSchema,
  ExpressionOperator,
} from "../../src/model/index.ts";

type Policy = MessageInitShape<typeof AuthorizationPolicySchema>;

const mesh = { trustDomain: "mesh", trustDomainAliases: ["old"] };
const warmUp = 50_000;
const decisions = 250_000;
const rounds = 10;

function policy(
  name: string,
  action: AuthorizationAction,
  level: AuthorizationLevel,
  rules: Policy["rules"],
): Policy {
  return { source: { kind: "AuthorizationPolicy", namespace: "n", name }, action, level, rules: rules ?? [] };
}

const { DENY, AUDIT, ALLOW } = AuthorizationAction;
const { MESH, NAMESPACE, WORKLOAD } = AuthorizationLevel;

/** Every deny and the audit are tried to their end, and of each level's allows the last one matches. */
const ten: readonly Policy[] = [
  policy("no-legacy", DENY, MESH, [
    { from: [{ trustDomains: ["legacy"] }] },
    { from: [{ ipBlocks: ["192.0.2.0/24", "2001:db8::/32"] }] },
  ]),
  policy("no-admin", DENY, NAMESPACE, [
    { from: [{ notNamespaces: ["shop"] }], to: [{ paths: ["/admin", "/admin/*"] }] },
  ]),
  policy("no-delete", DENY, WORKLOAD, [
    { from: [{ notServiceAccounts: ["shop/janitor"] }], to: [{ methods: ["DELETE", "PATCH"] }] },
  ]),
  policy("watch-debug", AUDIT, WORKLOAD, [{ to: [{ headers: [{ name: "x-debug", value: "*" }] }] }]),
  policy("mesh-a", ALLOW, MESH, [{ from: [{ namespaces: ["ops"] }] }]),
  policy("mesh-b", ALLOW, MESH, [{ from: [{ identities: ["ns/shop/*", "ns/web/*"] }] }]),
  policy("namespace-a", ALLOW, NAMESPACE, [
    { from: [{ serviceAccounts: ["ops/probe"] }], to: [{ paths: ["/healthz"] }] },
  ]),
  policy("namespace-b", ALLOW, NAMESPACE, [
    { from: [{ namespaces: ["web"] }], to: [{ hosts: ["*.shop.test"], ports: [8080] }] },
  ]),
  policy("workload-a", ALLOW, WORKLOAD, [{ to: [{ methods: ["POST"], paths: ["/orders"] }] }]),
  policy("workload-b", ALLOW, WORKLOAD, [
    {
      from: [{ serviceAccounts: ["web/front"] }],
      to: [{ methods: ["GET"], paths: ["/orders/{*}/items/{*}"] }],
    },
  ]),
];

function requestOf(path: string): AdmissionRequest {
  const headers = new Map([["x-request-id", "1"]]);
  return {
    caller,
    remoteAddress: caller.address,
    http: {
      method: "GET",
      path,
      query: "",
      authority: "api.shop.test:8080",
      scheme: "http",
      version: "HTTP/1.1",
      isGrpc: false,
      requestId: "1",
      header: (name) => headers.get(name),
    },
    claims: { iss: "https://issuer.test", sub: "u1", roles: ["reader", "writer"] },
    nowMs: 1_800_000_000_000,
  };
}

const caller = {
  identity: "spiffe://mesh/ns/web/sa/front",
  address: "10.1.2.3",
  addressPort: 40_000,
  isTls: true,
  serverName: "api.shop.test",
  port: 8080,
  service: "shop/orders",
  destination: "shop/orders-1",
};

const role: Policy = policy("role", DENY, WORKLOAD, [
  {
    when: [
      {
        kind: {
          case: "call",
          value: {
            operator: ExpressionOperator.IN,
            arguments: [
              { kind: { case: "value", value: { kind: { case: "text", value: "banned" } } } },
              { kind: { case: "attribute", value: { name: "jwt.claims", keys: ["roles"] } } },
            ],
          },
        },
      },
    ],
  },
]);

/** What applies nowhere, in one proxy: a policy each for other namespaces. */
const thousand = Array.from({ length: 990 }, (_, index) =>
  policy(`other-${index}`, DENY, MESH, [
    { from: [{ namespaces: [`n-${index}`] }], to: [{ methods: ["GET"] }] },
  ]),
);

measure("nothing", [], "/orders/7/items/9");
measure("10 policies", ten, "/orders/7/items/9");
measure("10 policies, escapes in the path", ten, "/orders/7/items/%39");
measure("10 policies, several readings", ten, "/orders/7/items/9;v=1");
measure("10 policies and a claim's condition", [...ten, role], "/orders/7/items/9");
measure("1,000 policies in one place", [...thousand, ...ten], "/orders/7/items/9", 5_000);

function measure(name: string, policies: readonly Policy[], path: string, count = decisions): void {
  const table = AuthorizationTable.prepare(create(AuthorizationSchema, { policies: [...policies] }), mesh);
  const request = requestOf(path);
  let allowed = 0;
  const run = (times: number): void => {
    for (let i = 0; i < times; i++) if (table.decide(request, ignore).verdict === "allow") allowed++;
  };
  run(Math.min(warmUp, count));
  const nanoseconds = Array.from({ length: rounds }, () => {
    // Of the processor, so that others on the machine do not count.
    const start = process.cpuUsage();
    run(count / rounds);
    const { user, system } = process.cpuUsage(start);
    return ((user + system) * 1000) / (count / rounds);
  });
  if (allowed !== Math.min(warmUp, count) + count) throw new Error(`${name}: some requests were not allowed`);
  const sorted = nanoseconds.toSorted((a, b) => a - b).map(Math.round);
  console.log(`${name}: ${sorted[0]} ns in the best round, ${sorted[rounds / 2]} ns in the median`);
}

function ignore(): void {}
