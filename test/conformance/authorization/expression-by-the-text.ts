/** Conditions as docs/reference/authorization-decisions.md words them: the tree is walked for each request. */
import { isIP } from "node:net";
import {
  type Expression,
  ExpressionOperator as Operator,
  type ExpressionValue,
} from "../../../src/model/index.ts";
import type { Case } from "./case.ts";
import { isInBlock } from "./lists-by-the-text.ts";

/** "unknown!" and "error!" are no texts that a test uses. */
type Value = unknown;

export function evaluateByTheText(expression: Expression, tried: Case): Value {
  const { kind } = expression;
  switch (kind.case) {
    case "value":
      return literal(kind.value);
    case "attribute":
      return read(kind.value.name, kind.value.keys, tried);
    case "call":
      return call(kind.value.operator, kind.value.arguments, tried);
    default:
      return "unknown!";
  }
}

function literal({ kind }: ExpressionValue): Value {
  if (kind.case === "list") return kind.value.items.map(literal);
  if (kind.case === "integer") return Number(kind.value);
  return kind.case === "null" ? null : kind.value;
}

function call(operator: Operator, written: readonly Expression[], tried: Case): Value {
  const [first, second] = written;
  if (operator === Operator.HAS) {
    const value = first && evaluateByTheText(first, tried);
    return value === "unknown!" ? value : value !== "error!";
  }
  if (
    operator === Operator.IN &&
    second?.kind.case === "attribute" &&
    second.kind.value.name === "request.headers"
  ) {
    const key = first && evaluateByTheText(first, tried);
    const value = read("request.headers", [String(key)], tried);
    return value === "unknown!" ? value : value !== "error!";
  }
  const values = written.map((each) => evaluateByTheText(each, tried));
  if (operator === Operator.AND || operator === Operator.OR) {
    const deciding = operator === Operator.OR;
    if (values.includes(deciding)) return deciding;
    if (values.includes("unknown!")) return "unknown!";
    return values.every((value) => value === !deciding) ? !deciding : "error!";
  }
  if (operator === Operator.CONDITIONAL) {
    const [condition, then, otherwise] = values;
    if (condition === true) return then;
    return condition === false ? otherwise : condition === "unknown!" ? "unknown!" : "error!";
  }
  if (values.includes("unknown!")) return "unknown!";
  if (values.includes("error!")) return "error!";
  return apply(operator, values);
}

function apply(operator: Operator, [a, b]: readonly Value[]): Value {
  const texts = typeof a === "string" && typeof b === "string";
  switch (operator) {
    case Operator.NOT:
      return typeof a === "boolean" ? !a : "error!";
    case Operator.EQUAL:
      return isEqual(a, b);
    case Operator.NOT_EQUAL: {
      const same = isEqual(a, b);
      return typeof same === "boolean" ? !same : same;
    }
    case Operator.LESS:
      return ordered(a, b, (order) => order < 0);
    case Operator.GREATER_OR_EQUAL:
      return ordered(a, b, (order) => order >= 0);
    case Operator.LESS_OR_EQUAL:
      return ordered(a, b, (order) => order <= 0);
    case Operator.GREATER:
      return ordered(a, b, (order) => order > 0);
    case Operator.IN:
      if (Array.isArray(b)) return b.some((item) => JSON.stringify(item) === JSON.stringify(a));
      return typeof b === "object" && b !== null && typeof a === "string"
        ? Object.keys(b).includes(a)
        : "error!";
    case Operator.STARTS_WITH:
      return texts ? a.slice(0, b.length) === b : "error!";
    case Operator.ENDS_WITH:
      return texts ? b === "" || a.slice(-b.length) === b : "error!";
    case Operator.CONTAINS:
      return texts ? a.split(b).length > 1 || b === "" : "error!";
    case Operator.MATCHES:
      return texts ? new RegExp(b).test(a) : "error!";
    case Operator.SIZE:
      if (typeof a === "string" || Array.isArray(a)) return a.length;
      return typeof a === "object" && a !== null ? Object.keys(a).length : "error!";
    case Operator.IN_CIDR:
      return texts && isIP(a) !== 0 ? isInBlock(a, b) : "error!";
    case Operator.LOWER:
      return typeof a === "string" ? a.toLowerCase() : "error!";
    default:
      return "unknown!";
  }
}

function isEqual(a: Value, b: Value): Value {
  if (a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b) || typeof a !== typeof b) return "error!";
  if (typeof a === "object" && !Array.isArray(a)) return "error!";
  return JSON.stringify(a) === JSON.stringify(b);
}

function ordered(a: Value, b: Value, holds: (order: number) => boolean): Value {
  if (typeof a === "number" && typeof b === "number") return holds(a - b);
  return typeof a === "string" && typeof b === "string"
    ? holds(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    : "error!";
}

function read(name: string, keys: readonly string[], { request, path, mesh }: Case): Value {
  const { caller, http, claims } = request;
  const found = (text: string | undefined): Value => (text === undefined || text === "" ? "error!" : text);
  const [, domain = "", ownPath = ""] = /^spiffe:\/\/([^/]+)\/(.*)$/.exec(caller.identity) ?? [];
  const isOwn = domain === mesh.trustDomain || mesh.trustDomainAliases.includes(domain);
  const [, namespace = "", account = ""] = (isOwn && /^ns\/([^/]+)\/sa\/([^/]+)$/.exec(ownPath)) || [];
  switch (name) {
    case "source.identity":
      return found(caller.identity);
    case "source.namespace":
      return found(namespace);
    case "source.service_account":
      return found(account && `${namespace}/${account}`);
    case "source.trust_domain":
      return found(domain);
    case "source.address":
      return found(caller.address);
    case "connection.tls":
      return caller.isTls;
    case "connection.mtls":
      return caller.isTls && caller.identity !== "";
    case "connection.sni":
      return found(caller.serverName);
    case "destination.port":
      return caller.port;
  }
  if (http === undefined) return "unknown!";
  const date = new Date(request.nowMs);
  const call = http.isGrpc ? /^\/(.+)\/([^/]+)$/.exec(path ?? "") : null;
  switch (name) {
    case "request.method":
      return http.method;
    case "request.path":
      return path ?? "unknown!";
    case "request.raw_path":
      return http.path;
    case "request.host":
      return found(http.authority.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, ""));
    case "request.headers":
      return http.header(keys[0] ?? "") ?? "error!";
    case "request.query_parameters":
      return new URLSearchParams(http.query).get(keys[0] ?? "") ?? "error!";
    case "request.hour":
      return date.getUTCHours();
    case "request.weekday":
      return date.getUTCDay();
    case "request.time":
      return Math.floor(date.getTime() / 1000);
    case "request.remote_address":
      return found(request.remoteAddress);
    case "request.grpc_service":
    case "request.grpc_method":
      if (http.isGrpc && path === undefined) return "unknown!";
      return found(call?.[name === "request.grpc_service" ? 1 : 2]);
  }
  return claims === undefined ? "error!" : readClaim(name, keys, claims);
}

function readClaim(name: string, keys: readonly string[], claims: Readonly<Record<string, unknown>>): Value {
  const { iss, sub, aud } = claims;
  const isNamed = typeof iss === "string" && typeof sub === "string";
  switch (name) {
    case "jwt.issuer":
      return typeof iss === "string" ? iss : "error!";
    case "jwt.subject":
      return typeof sub === "string" ? sub : "error!";
    case "jwt.principal":
      return isNamed ? `${iss}/${sub}` : "error!";
    case "jwt.audiences":
      return aud === undefined ? "error!" : [aud].flat();
  }
  let value: unknown = claims;
  for (const key of keys) {
    const entries: [string, unknown][] =
      typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
    const entry = entries.find(([each]) => each === key);
    if (entry === undefined) return "error!";
    value = entry[1];
  }
  return value;
}
