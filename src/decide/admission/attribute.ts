/** Reads the attributes of conditions: one reader for each name of the model's table. */
import { attributes } from "../../model/index.ts";
import { firstQueryValue } from "../query.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { HttpFacts } from "./request.ts";

/** In the place of a value: why there is none. */
export type Failure = typeof unknownValue | typeof errorValue;
/** Cannot be known: a request's attribute of a raw connection, a path that no server reads alike. */
export const unknownValue: unique symbol = Symbol("unknown");
/** Not there, or of another type than what is done with it. */
export const errorValue: unique symbol = Symbol("error");

/** As JSON has them, or a failure. */
export type Value = unknown;

export type Reader<F = RequestFacts> = (facts: F) => Value;

/** Where expressions of one kind read: authorization of what comes, telemetry of what has ended. */
export interface AttributeSource<F> {
  /** Undefined where there is no such attribute, or it cannot be read with these keys. */
  prepare(name: string, keys: readonly string[]): Reader<F> | undefined;
  /** Is this the name of a map whose entries can be asked for, but not listed? */
  isTextMap(name: string): boolean;
  /** Whether the map has the key. */
  hasEntry(name: string, key: string, facts: F): Value;
}

export function isFailure(value: Value): value is Failure {
  return value === unknownValue || value === errorValue;
}

function prepareAttribute(name: string, keys: readonly string[]): Reader | undefined {
  const attribute = attributes.find((each) => each.name === name);
  if (attribute === undefined) return undefined;
  if (attribute.type === "map of text") return prepareEntry(name, keys);
  if (attribute.type === "any") return (facts) => claimAt(facts, keys);
  if (keys.length > 0) return undefined;
  const ofCaller = callerReaders[name];
  if (ofCaller !== undefined) return (facts) => present(ofCaller(facts));
  const ofToken = tokenReaders[name];
  if (ofToken !== undefined) return (facts) => tokenValue(facts, ofToken);
  const ofRequest = requestReaders[name];
  if (ofRequest === undefined) return undefined;
  return (facts) => {
    const { http } = facts.request;
    return http === undefined ? unknownValue : present(ofRequest(http, facts));
  };
}

function isTextMap(name: string): boolean {
  return name in mapReaders;
}

function hasEntry(name: string, key: string, facts: RequestFacts): Value {
  const value = readEntry(name, key, facts);
  return value === unknownValue ? value : value !== errorValue;
}

function prepareEntry(name: string, keys: readonly string[]): Reader | undefined {
  const [key] = keys;
  if (key === undefined || keys.length > 1) return undefined;
  return (facts) => readEntry(name, key, facts);
}

function readEntry(name: string, key: string, { request: { http } }: RequestFacts): Value {
  return http === undefined ? unknownValue : (mapReaders[name]?.(http, key) ?? errorValue);
}

function present(value: Value): Value {
  return value === undefined ? errorValue : value;
}

/** Texts that are not known are empty. */
function filled(text: string): string | undefined {
  return text === "" ? undefined : text;
}

const callerReaders: Readonly<Record<string, (facts: RequestFacts) => Value>> = {
  "source.identity": ({ request }) => filled(request.caller.identity),
  "source.namespace": ({ caller }) => filled(caller.namespace),
  "source.service_account": ({ caller }) => filled(caller.serviceAccount),
  "source.trust_domain": ({ caller }) => caller.trustDomains[0],
  "source.address": ({ request }) => filled(request.caller.address),
  "source.port": ({ request }) => (request.caller.addressPort === 0 ? undefined : request.caller.addressPort),
  "connection.tls": ({ request }) => request.caller.isTls,
  "connection.mtls": ({ request }) => request.caller.isTls && request.caller.identity !== "",
  "connection.sni": ({ request }) => filled(request.caller.serverName),
  "destination.workload": ({ request }) => filled(request.caller.destination),
  "destination.service": ({ request }) => filled(request.caller.service),
  "destination.port": ({ request }) => request.caller.port,
};

const requestReaders: Readonly<Record<string, (http: HttpFacts, facts: RequestFacts) => Value>> = {
  "request.method": (http) => http.method,
  "request.path": (_, facts) => facts.path ?? unknownValue,
  "request.raw_path": (http) => http.path,
  "request.query": (http) => http.query,
  "request.host": (_, facts) => filled(facts.host),
  "request.scheme": (http) => http.scheme,
  "request.protocol": (http) => filled(http.version),
  "request.id": (http) => filled(http.requestId),
  "request.time": (_, { request }) => Math.floor(request.nowMs / 1000),
  "request.hour": (_, { request }) => Math.floor(request.nowMs / hourMs) % 24,
  // 1 January 1970 was a Thursday.
  "request.weekday": (_, { request }) => (Math.floor(request.nowMs / hourMs / 24) + 4) % 7,
  "request.remote_address": (_, { request }) => filled(request.remoteAddress),
  "request.grpc_service": (http, facts) => grpcPart(http, facts, (call, slash) => call.slice(0, slash)),
  "request.grpc_method": (http, facts) => grpcPart(http, facts, (call, slash) => call.slice(slash + 1)),
};

const hourMs = 3_600_000;

function grpcPart(
  http: HttpFacts,
  facts: RequestFacts,
  part: (call: string, slash: number) => string,
): Value {
  if (http.isGrpc && facts.path === undefined) return unknownValue;
  const call = facts.grpcCall;
  return call === undefined ? undefined : part(call, call.lastIndexOf("/"));
}

const mapReaders: Readonly<Record<string, (http: HttpFacts, key: string) => string | undefined>> = {
  "request.headers": (http, key) => http.header(key.toLowerCase()),
  "request.query_parameters": (http, key) => firstQueryValue(http.query, key),
};

type Claims = Readonly<Record<string, unknown>>;

const tokenReaders: Readonly<Record<string, (claims: Claims, facts: RequestFacts) => Value>> = {
  "jwt.issuer": (claims) => textOnly(claims["iss"]),
  "jwt.subject": (claims) => textOnly(claims["sub"]),
  "jwt.principal": (_, facts) => filled(facts.principal),
  "jwt.audiences": ({ aud }) => (typeof aud === "string" ? [aud] : Array.isArray(aud) ? aud : undefined),
};

function textOnly(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function tokenValue(facts: RequestFacts, read: (claims: Claims, facts: RequestFacts) => Value): Value {
  const { http, claims } = facts.request;
  if (http === undefined) return unknownValue;
  return claims === undefined ? errorValue : present(read(claims, facts));
}

function claimAt({ request: { http, claims } }: RequestFacts, keys: readonly string[]): Value {
  if (http === undefined) return unknownValue;
  let value: unknown = claims;
  for (const key of keys) {
    // Own properties only: "constructor" is no claim.
    if (!isMap(value) || !Object.hasOwn(value, key)) return errorValue;
    value = value[key];
  }
  return present(value);
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const requestAttributes: AttributeSource<RequestFacts> = {
  prepare: prepareAttribute,
  isTextMap,
  hasEntry,
};
