/**
 * The rows of authorization's semantics: policies, a request, the verdict and the rule that decides, in rows/*.yaml. A file is
 * a list of groups; each says which rule of the semantics it proves, has policies and the rows that are asked of them.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { AdmissionRequest, Claims, HttpFacts } from "../../../src/decide/index.ts";
import {
  type Authorization,
  AuthorizationAction,
  AuthorizationLevel,
  type AuthorizationPolicySchema,
  type AuthorizationRuleSchema,
  AuthorizationSchema,
  type ExpressionSchema,
  ExpressionOperator as Operator,
} from "../../../src/model/index.ts";

interface WrittenRule {
  readonly name?: string;
  readonly from?: MessageInitShape<typeof AuthorizationRuleSchema>["from"];
  readonly to?: MessageInitShape<typeof AuthorizationRuleSchema>["to"];
  /** `[operator, argument…]`, "$request.headers[x]" for an attribute, anything else for itself. */
  readonly when?: readonly unknown[];
}

interface WrittenPolicy {
  readonly name: string;
  readonly action?: "deny" | "custom" | "allow" | "audit" | "unknown";
  readonly level?: "mesh" | "namespace" | "workload" | "route";
  readonly dryRun?: boolean;
  readonly rules?: readonly WrittenRule[];
}

/** Not given: nobody in particular asks for `GET /` of a.test:80 over HTTP from 10.0.0.1. */
interface WrittenRequest {
  /** "GET /path?query"; "tcp": a raw connection. */
  readonly do?: string;
  /** Identity: "a/x" is spiffe://mesh/ns/a/sa/x. */
  readonly as?: string;
  readonly ip?: string;
  readonly remote?: string;
  readonly tls?: boolean;
  readonly sni?: string;
  readonly port?: number;
  readonly host?: string;
  readonly scheme?: "http" | "https";
  readonly version?: string;
  readonly grpc?: boolean;
  /** A list: one line each. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** The lines of headers are not told apart. */
  readonly joined?: boolean;
  readonly claims?: Claims;
  readonly at?: string;
}

interface WrittenRow extends WrittenRequest {
  /** "allow p[0]", "deny p[1]", "ask p[0] q[0]", "deny at namespace", "deny by default", "allow by default". */
  readonly expect: string;
  /** After those who were asked have said yes. */
  readonly then?: string;
  /** "p[0] audited", "p would_deny". */
  readonly notes?: readonly string[];
}

interface WrittenGroup {
  readonly says: string;
  readonly defaultDeny?: boolean;
  readonly unitesLevels?: boolean;
  readonly policies: readonly WrittenPolicy[];
  readonly rows: readonly WrittenRow[];
}

export interface Row {
  /** The file and what the group says. */
  readonly group: string;
  readonly title: string;
  readonly authorization: Authorization;
  readonly request: AdmissionRequest;
  readonly expect: string;
  readonly then: string | undefined;
  readonly notes: readonly string[];
}

/** Of these the rows are written. */
export const rowsMesh = { trustDomain: "mesh", trustDomainAliases: ["old"] };

export function readRows(): Row[] {
  const directory = join(import.meta.dir, "rows");
  return readdirSync(directory)
    .toSorted()
    .flatMap((file) => {
      const groups: readonly WrittenGroup[] = parse(readFileSync(join(directory, file), "utf8"));
      return groups.flatMap((group) => rowsOf(`${file}: ${group.says}`, group));
    });
}

function rowsOf(name: string, group: WrittenGroup): Row[] {
  const authorization = create(AuthorizationSchema, {
    policies: group.policies.map(policyOf),
    defaultDeny: group.defaultDeny ?? false,
    unitesLevels: group.unitesLevels ?? false,
  });
  return group.rows.map((row) => {
    const { expect, then, notes = [], ...request } = row;
    const title = Object.entries(request)
      .map(([key, value]) => (key === "do" ? (row.do ?? "") : `${key} ${JSON.stringify(value)}`))
      .join(" ");
    return { group: name, title, authorization, request: requestOf(request), expect, then, notes };
  });
}

const actions = {
  deny: AuthorizationAction.DENY,
  custom: AuthorizationAction.CUSTOM,
  allow: AuthorizationAction.ALLOW,
  audit: AuthorizationAction.AUDIT,
  unknown: AuthorizationAction.UNSPECIFIED,
};

const levels = {
  mesh: AuthorizationLevel.MESH,
  namespace: AuthorizationLevel.NAMESPACE,
  workload: AuthorizationLevel.WORKLOAD,
  route: AuthorizationLevel.ROUTE,
};

function policyOf(policy: WrittenPolicy): MessageInitShape<typeof AuthorizationPolicySchema> {
  return {
    source: { kind: "AuthorizationPolicy", namespace: "n", name: policy.name },
    action: actions[policy.action ?? "allow"],
    level: levels[policy.level ?? "workload"],
    dryRun: policy.dryRun ?? false,
    rules: (policy.rules ?? []).map(({ name, from = [], to = [], when = [] }, index) => ({
      name: name ?? String(index),
      from,
      to,
      when: when.map(expressionOf),
      whenTexts: when.map((each) => JSON.stringify(each)),
    })),
  };
}

type Tree = MessageInitShape<typeof ExpressionSchema>;

const operators: Readonly<Record<string, Operator>> = {
  and: Operator.AND,
  or: Operator.OR,
  not: Operator.NOT,
  "==": Operator.EQUAL,
  "!=": Operator.NOT_EQUAL,
  "<": Operator.LESS,
  "<=": Operator.LESS_OR_EQUAL,
  ">": Operator.GREATER,
  ">=": Operator.GREATER_OR_EQUAL,
  in: Operator.IN,
  has: Operator.HAS,
  startsWith: Operator.STARTS_WITH,
  endsWith: Operator.ENDS_WITH,
  contains: Operator.CONTAINS,
  matches: Operator.MATCHES,
  size: Operator.SIZE,
  "?": Operator.CONDITIONAL,
  inCidr: Operator.IN_CIDR,
  lower: Operator.LOWER,
  unknown: Operator.UNSPECIFIED,
};

function expressionOf(written: unknown): Tree {
  if (Array.isArray(written)) {
    const [name, ...parts] = written;
    if (name === "list")
      return {
        kind: { case: "value", value: { kind: { case: "list", value: { items: parts.map(literalOf) } } } },
      };
    const operator = operators[String(name)];
    if (operator === undefined) throw new Error(`there is no operator ${name}`);
    return { kind: { case: "call", value: { operator, arguments: parts.map(expressionOf) } } };
  }
  if (typeof written === "string" && written.startsWith("$")) {
    const [name = "", ...keys] = written.slice(1).replaceAll("]", "").split("[");
    return { kind: { case: "attribute", value: { name, keys } } };
  }
  return { kind: { case: "value", value: literalOf(written) } };
}

type Literal = Extract<NonNullable<Tree["kind"]>, { case: "value" }>["value"];

function literalOf(written: unknown): Literal {
  if (typeof written === "string") return { kind: { case: "text", value: written } };
  if (typeof written === "boolean") return { kind: { case: "boolean", value: written } };
  if (written === null) return { kind: { case: "null", value: true } };
  if (typeof written !== "number") return {};
  return Number.isInteger(written)
    ? { kind: { case: "integer", value: BigInt(written) } }
    : { kind: { case: "number", value: written } };
}

function requestOf(row: WrittenRequest): AdmissionRequest {
  const ip = row.ip ?? "10.0.0.1";
  const identity = row.as === undefined || row.as.includes(":") ? (row.as ?? "") : spiffe(row.as);
  return {
    caller: {
      identity,
      address: ip,
      addressPort: 4000,
      isTls: row.tls ?? (identity !== "" || row.sni !== undefined),
      serverName: row.sni ?? "",
      port: row.port ?? 80,
      service: "n/svc",
      destination: "n/work",
    },
    remoteAddress: row.remote ?? ip,
    http: row.do === "tcp" ? undefined : httpOf(row),
    claims: row.claims,
    nowMs: Date.parse(row.at ?? "2026-01-01T00:00:00Z"),
  };
}

function spiffe(account: string): string {
  const [namespace, name] = account.split("/");
  return `spiffe://mesh/ns/${namespace}/sa/${name}`;
}

function httpOf(row: WrittenRequest): HttpFacts {
  const [method = "GET", target = "/"] = (row.do ?? "GET /").split(" ");
  const [path = "", ...query] = target.split("?");
  const lines = new Map(Object.entries(row.headers ?? {}).map(([name, values]) => [name, [values].flat()]));
  const http: HttpFacts = {
    method,
    path,
    query: query.join("?"),
    authority: row.host ?? "a.test:80",
    scheme: row.scheme ?? "http",
    version: row.version ?? "HTTP/1.1",
    isGrpc: row.grpc ?? false,
    requestId: "r-1",
    header: (name) => lines.get(name)?.join(", "),
  };
  return row.joined === true ? http : { ...http, headerValues: (name) => lines.get(name) ?? [] };
}
