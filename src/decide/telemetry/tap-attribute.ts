/** Reads the attributes of a tap's filter: one reader for each name of the model's table. */
import { errorValue, type Value } from "../admission/attribute.ts";
import type { TelemetryFacts, TelemetryHttpFacts } from "./facts.ts";

export type TapReader = (facts: TelemetryFacts) => Value;

/** Undefined where there is no such attribute, or it cannot be read with these keys. */
export function prepareTapAttribute(name: string, keys: readonly string[]): TapReader | undefined {
  const [key] = keys;
  const ofMap = mapReaders[name];
  if (ofMap !== undefined) {
    if (key === undefined || keys.length > 1) return undefined;
    const nameLower = key.toLowerCase();
    return ({ http }) => (http && ofMap(http, nameLower)) ?? errorValue;
  }
  if (key !== undefined) return undefined;
  const read = readers[name];
  if (read !== undefined) return (facts) => read(facts) ?? errorValue;
  const ofHttp = httpReaders[name];
  return ofHttp && (({ http }) => (http && ofHttp(http)) ?? errorValue);
}

/** Texts that are not known are absent. */
function filled(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function namespaceOf(path: string): string | undefined {
  const slash = path.indexOf("/");
  return slash < 0 ? undefined : path.slice(0, slash);
}

const readers: Readonly<Record<string, (facts: TelemetryFacts) => Value>> = {
  direction: ({ direction }) => direction,
  "source.workload": ({ sourceWorkload }) => filled(sourceWorkload),
  "source.namespace": ({ sourceWorkload }) => namespaceOf(sourceWorkload),
  "source.identity": ({ sourceIdentity }) => filled(sourceIdentity),
  "source.address": ({ peerAddress }) => filled(addressOf(peerAddress)),
  "destination.workload": ({ destinationWorkload }) => filled(destinationWorkload),
  "destination.namespace": ({ destinationService, destinationWorkload }) =>
    namespaceOf(destinationService) ?? namespaceOf(destinationWorkload),
  "destination.identity": ({ destinationIdentity }) => filled(destinationIdentity),
  "destination.service": ({ destinationService }) => filled(destinationService),
  "destination.port": ({ destinationPort }) => destinationPort,
  "route.name": ({ route }) => filled(route),
  "route.rule": ({ rule }) => filled(rule),
  "connection.mtls": ({ isMutualTls }) => isMutualTls,
  "response.reason": ({ reason }) => filled(reason),
  "response.duration_ms": ({ durationUs }) => Math.floor(durationUs / 1_000),
  "request.bytes": ({ requestBytes }) => requestBytes,
  "response.bytes": ({ responseBytes }) => responseBytes,
  "request.id": ({ requestId }) => filled(requestId),
};

const httpReaders: Readonly<Record<string, (http: TelemetryHttpFacts) => Value>> = {
  "request.method": ({ method }) => method,
  "request.host": ({ authority }) => filled(addressOf(authority).toLowerCase()),
  "request.path": ({ target }) => cutAt(target).path,
  "request.query": ({ target }) => cutAt(target).query,
  "request.scheme": ({ scheme }) => scheme,
  "response.code": ({ status }) => status,
  "response.grpc_status": ({ grpcStatus }) => grpcStatus,
};

const mapReaders: Readonly<Record<string, (http: TelemetryHttpFacts, name: string) => string | undefined>> = {
  "request.headers": (http, name) => http.requestHeader(name),
  "response.headers": (http, name) => http.responseHeader(name),
};

/** Without the port, which an IPv6 address has behind brackets alone. */
function addressOf(place: string): string {
  if (place.startsWith("[")) return place.slice(1, place.indexOf("]"));
  return place.indexOf(":") === place.lastIndexOf(":") ? place.replace(/:\d*$/, "") : place;
}

function cutAt(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf("?");
  return at < 0 ? { path: target, query: "" } : { path: target.slice(0, at), query: target.slice(at + 1) };
}
