/** What is left of a table's rules for a kind of requests: shared by the kind, bounded, and of the same verdict as all of them. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "bun:test";
import {
  AuthorizationAction,
  AuthorizationLevel,
  AuthorizationSchema,
  ExpressionOperator,
  type ExpressionSchema,
} from "../../model/index.ts";
import { AuthorizationTable } from "./authorization.ts";
import { CallerView } from "./caller-view.ts";
import { PreparedPolicy } from "./prepared-policy.ts";
import type { AdmissionRequest, CallerFacts } from "./request.ts";
import { Stages } from "./stages.ts";

type Policies = NonNullable<MessageInitShape<typeof AuthorizationSchema>["policies"]>;

const mesh = { trustDomain: "mesh", trustDomainAliases: [] };
const { ALLOW, DENY } = AuthorizationAction;
const level = AuthorizationLevel.WORKLOAD;

function callerAt(address: string, namespace = "web"): CallerFacts {
  const identity = `spiffe://mesh/ns/${namespace}/sa/front`;
  const place = { port: 80, service: "shop/orders", destination: "shop/orders-1" };
  return { identity, address, addressPort: 4000, isTls: true, serverName: "", ...place };
}

function ask(caller: CallerFacts, method: string | undefined, path = "/"): AdmissionRequest {
  const http = method === undefined ? undefined : { method, path, query: "", header: () => undefined };
  const rest = {
    authority: "a.test",
    scheme: "http",
    version: "HTTP/1.1",
    isGrpc: false,
    requestId: "1",
  } as const;
  return {
    caller,
    remoteAddress: caller.address,
    http: http && { ...http, ...rest },
    claims: undefined,
    nowMs: 0,
  };
}

function stagesOf(policies: Policies): Stages {
  const authorization = create(AuthorizationSchema, { policies });
  return Stages.of(
    authorization.policies.map((policy) => new PreparedPolicy(policy)),
    authorization,
    { viewOf: (caller) => new CallerView(caller, mesh) },
  );
}

const byCallerAndMethod: Policies = [
  { action: DENY, level, rules: [{ from: [{ namespaces: ["web"] }], to: [{ paths: ["/admin/*"] }] }] },
  { action: ALLOW, level, rules: [{ to: [{ methods: ["GET"] }] }] },
];

test("callers of whom the same conditions hold share what is left, others do not", () => {
  const stages = stagesOf(byCallerAndMethod);
  const of = (caller: CallerFacts): Stages => stages.ofCaller(ask(caller, "GET"));
  const web = of(callerAt("10.0.0.1"));
  expect(web).not.toBe(stages);
  expect(of(callerAt("10.0.0.2"))).toBe(web);
  expect(of(callerAt("10.0.0.1", "shop"))).not.toBe(web);
});

test("requests of a method share what is left; made-up methods and raw connections have no rest of their own", () => {
  const stages = stagesOf(byCallerAndMethod);
  const of = (method: string | undefined): Stages => stages.ofMethod(ask(callerAt("10.0.0.1"), method));
  const get = of("GET");
  expect(get).not.toBe(stages);
  expect(of("GET")).toBe(get);
  expect(of("PUT")).not.toBe(get);
  for (const method of ["get", "BREW", "", "__proto__", undefined]) expect(of(method)).toBe(stages);
});

test("a condition on caller and method together is tried for each request", () => {
  type Expression = MessageInitShape<typeof ExpressionSchema>;
  const attribute = (name: string): Expression => ({
    kind: { case: "attribute", value: { name, keys: [] } },
  });
  const call = (operator: ExpressionOperator, ...args: Expression[]): Expression => ({
    kind: { case: "call", value: { operator, arguments: args } },
  });
  const method = call(ExpressionOperator.LOWER, attribute("request.method"));
  const isNamespace = call(ExpressionOperator.EQUAL, attribute("source.namespace"), method);
  const table = AuthorizationTable.prepare(
    create(AuthorizationSchema, {
      policies: [
        {
          action: ALLOW,
          level,
          rules: [{ when: [isNamespace] }],
        },
        { action: DENY, level, rules: [{ to: [{ methods: ["PUT"] }], from: [{ namespaces: ["none"] }] }] },
      ],
    }),
    mesh,
  );
  const verdicts = ["web", "get", "shop", "get"].map(
    (namespace) => table.decide(ask(callerAt("10.0.0.1", namespace), "GET"), () => {}).verdict,
  );
  expect(verdicts).toEqual(["deny", "allow", "deny", "allow"]);
});

const byPath: Policies = [
  { action: DENY, level, rules: [{ to: [{ paths: ["/admin/*"] }] }] },
  { action: DENY, level, rules: [{ to: [{ paths: ["/orders/7"] }] }] },
  { action: ALLOW, level, rules: [{ to: [{ paths: ["/*"] }] }] },
];

test("paths that begin alike share what is left, and all that begin as no pattern does", () => {
  const stages = stagesOf(byPath);
  const of = (path: string): Stages => stages.ofPathHead(ask(callerAt("10.0.0.1"), "GET", path));
  const admin = of("/admin/users");
  expect(of("/admin")).toBe(admin);
  expect(of("/orders")).not.toBe(admin);
  const other = of("/");
  expect([stages, admin]).not.toContain(other);
  for (const path of ["/adm", "/administrator", "/Admin/users", "/__proto__"]) expect(of(path)).toBe(other);
});

test.each(["/a;v=1", "/a/%2e", "/a//b", "/a/../b", "/%61dmin", "*", ""])(
  "a path that servers may read in another way has no rest of its own: %s",
  (path) => {
    const stages = stagesOf(byPath);
    expect(stages.ofPathHead(ask(callerAt("10.0.0.1"), "GET", path))).toBe(stages);
  },
);

test("what the first segment decides is decided without the request", () => {
  const { stages, request, reads } = countedReads("/products/7", byPath);
  expect(stages.ofPathHead(request).decide(request, () => {}).verdict).toBe("allow");
  expect(reads()).toBe(1);
  const admin = countedReads("/admin/users", byPath);
  expect(admin.stages.ofPathHead(admin.request).decide(admin.request, () => {}).verdict).toBe("deny");
  expect(admin.reads()).toBeGreaterThan(1);
});

/** Stages that know what is left for the path, and a request that tells how often its path is read. */
function countedReads(path: string, policies: Policies) {
  const stages = stagesOf(policies);
  const known = ask(callerAt("10.0.0.1"), "GET", path);
  stages.ofPathHead(known);
  let count = 0;
  const http = Object.defineProperty({ ...known.http }, "path", {
    get: () => {
      count++;
      return path;
    },
  });
  return { stages, request: Object.assign({ ...known }, { http }) as AdmissionRequest, reads: () => count };
}

test("first segments of more patterns than there is room for get the same verdicts, and leave room for methods", () => {
  const count = 900;
  const stages = stagesOf(
    Array.from({ length: count }, (_, n) => ({
      action: DENY,
      level,
      rules: [{ to: [{ paths: [`/p${n}/x`], methods: ["GET"] }] }],
    })),
  );
  let withoutRoom = 0;
  for (let n = 0; n < count; n++) {
    for (const [end, verdict] of [
      ["x", "deny"],
      ["y", "allow"],
    ] as const) {
      const request = ask(callerAt("10.0.0.1"), "GET", `/p${n}/${end}`);
      const left = stages.ofPathHead(request);
      if (left === stages) withoutRoom++;
      expect(left.decide(request, () => {}).verdict).toBe(verdict);
    }
  }
  expect(withoutRoom).toBeGreaterThan(0);
  expect(stages.ofMethod(ask(callerAt("10.0.0.1"), "PUT"))).not.toBe(stages);
});

test("where nothing depends on callers or methods, all of them have the table's own", () => {
  const stages = stagesOf([{ action: ALLOW, level, rules: [{ to: [{ paths: ["/a"] }] }] }]);
  const request = ask(callerAt("10.0.0.1"), "GET");
  expect(stages.ofCaller(request).ofMethod(request)).toBe(stages);
});

test("callers of more kinds than there is room for get the same verdicts", () => {
  const bits = 14;
  const policies: Policies = Array.from({ length: bits }, (_, bit) => ({
    source: { kind: "AuthorizationPolicy", namespace: "shop", name: `p${bit}` },
    action: DENY,
    level,
    rules: [
      {
        from: [{ ipBlocks: Array.from({ length: 2 ** bits }, (_each, n) => n).flatMap(addressesWith(bit)) }],
        to: [{ paths: [`/p${bit}`] }],
      },
    ],
  }));
  const table = AuthorizationTable.prepare(create(AuthorizationSchema, { policies }), mesh);
  const stages = stagesOf(policies);
  let withoutRoom = 0;
  for (let n = 0; n < 2 ** bits; n += 7) {
    const caller = callerAt(addressOf(n));
    const bit = n % bits;
    const request = ask(caller, "GET", `/p${bit}`);
    const isDenied = (n & (1 << bit)) !== 0;
    expect(table.decide(request, () => {}).verdict).toBe(isDenied ? "deny" : "allow");
    if (stages.ofCaller(request) === stages) withoutRoom++;
  }
  expect(withoutRoom).toBeGreaterThan(0);
});

function addressOf(n: number): string {
  return `10.1.${n >> 8}.${n & 255}`;
}

function addressesWith(bit: number): (n: number) => string[] {
  return (n) => ((n & (1 << bit)) === 0 ? [] : [addressOf(n)]);
}
