/**
 * Reads the attributes of telemetry: one reader for each name of the control plane's table (compile/telemetry/attributes.ts).
 * Nothing is unknown once it has ended: what there is none of is absent, which is an error to read and false to ask for.
 */
import { parseSpiffeId } from "../../kernel/index.ts";
import { type AttributeSource, errorValue, type Reader, type Value } from "../admission/attribute.ts";
import { hostOf } from "../authority.ts";
import type { TelemetryFacts, TelemetryHttpFacts } from "./facts.ts";
import type { PreparedRedaction } from "./settings.ts";

/** `redaction`: of what is told; undefined: what only decides sees everything. */
export function telemetrySource(redaction: PreparedRedaction | undefined): AttributeSource<TelemetryFacts> {
  const entryOf = (name: string, key: string): Reader<TelemetryFacts> | undefined => {
    const read = mapReaders[name];
    const wanted = key.toLowerCase();
    if (read === undefined) return undefined;
    if (redaction?.hidesHeader(wanted) === true) return () => errorValue;
    return ({ http }) => (http === undefined ? errorValue : present(read(http, wanted)));
  };
  return {
    prepare(name, keys) {
      const [key] = keys;
      if (isTextMap(name)) return key === undefined || keys.length > 1 ? undefined : entryOf(name, key);
      if (keys.length > 0) return undefined;
      if (name === "request.path" && redaction !== undefined) {
        return ({ http }) => (http === undefined ? errorValue : redaction.path(pathOf(http)));
      }
      const ofAll = readers[name];
      if (ofAll !== undefined) return (facts) => present(ofAll(facts));
      const ofHttp = httpReaders[name];
      if (ofHttp === undefined) return undefined;
      return ({ http }) => (http === undefined ? errorValue : present(ofHttp(http)));
    },
    isTextMap,
    hasEntry: (name, key, facts) => (entryOf(name, key)?.(facts) ?? errorValue) !== errorValue,
  };
}

function isTextMap(name: string): boolean {
  return Object.hasOwn(mapReaders, name);
}

function present(value: Value): Value {
  return value === undefined || value === "" ? errorValue : value;
}

const readers: Readonly<Record<string, (facts: TelemetryFacts) => Value>> = {
  direction: (facts) => facts.direction,
  "source.workload": (facts) => facts.sourceWorkload,
  "source.namespace": (facts) => namespaceOf(facts.sourceIdentity, facts.sourceWorkload),
  "source.identity": (facts) => facts.sourceIdentity,
  "source.address": (facts) => facts.peerAddress,
  "destination.workload": (facts) => facts.destinationWorkload,
  "destination.namespace": (facts) =>
    namespaceOf(facts.destinationIdentity, facts.destinationService, facts.destinationWorkload),
  "destination.identity": (facts) => facts.destinationIdentity,
  "destination.service": (facts) => facts.destinationService,
  "destination.port": (facts) => (facts.destinationPort === 0 ? undefined : facts.destinationPort),
  "connection.mtls": (facts) => facts.isMutualTls,
  route: (facts) => facts.route,
  rule: (facts) => facts.rule,
  reason: (facts) => facts.reason,
  duration_ms: (facts) => Math.floor(facts.durationUs / 1_000),
  "request.id": (facts) => facts.requestId,
  "request.size": (facts) => facts.requestBytes,
  "response.size": (facts) => facts.responseBytes,
};

const httpReaders: Readonly<Record<string, (http: TelemetryHttpFacts) => Value>> = {
  "request.method": (http) => http.method,
  "request.path": pathOf,
  "request.host": (http) => hostOf(http.authority).toLowerCase(),
  "request.scheme": (http) => http.scheme,
  "response.code": (http) => (http.status === 0 ? undefined : http.status),
  "response.grpc_status": (http) => http.grpcStatus,
};

const mapReaders: Readonly<Record<string, (http: TelemetryHttpFacts, key: string) => string | undefined>> = {
  "request.headers": (http, key) => http.requestHeader(key),
  "response.headers": (http, key) => http.responseHeader(key),
};

/** Names that expressions can read: the control plane's table has the same. */
export const attributeNames: readonly string[] = [readers, httpReaders, mapReaders].flatMap((table) =>
  Object.keys(table),
);

function pathOf({ target }: TelemetryHttpFacts): string {
  const question = target.indexOf("?");
  return question < 0 ? target : target.slice(0, question);
}

/** Of the first "namespace/name" that is there, else of the identity. */
function namespaceOf(identity: string, ...paths: readonly string[]): string | undefined {
  const path = paths.find((each) => each.includes("/"));
  return path === undefined ? parseSpiffeId(identity)?.namespace : path.slice(0, path.indexOf("/"));
}
