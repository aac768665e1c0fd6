/**
 * What a client brings back so that its requests stay with one endpoint: hashes of cluster and endpoint, which say nothing
 * of the mesh's inside, and two times. It is not signed: whoever makes one up chooses among endpoints that it could reach
 * anyway, and prolongs a session of its own.
 */
import { hash32 } from "../../kernel/index.ts";
import { sessionId, sessionIdLength } from "../upstream/index.ts";

export interface SessionToken {
  readonly cluster: string;
  readonly endpoint: string;
  /** Unix time in seconds. */
  readonly issued: number;
  readonly seen: number;
}

export interface SessionTimeouts {
  /** 0: none. */
  readonly absoluteSeconds: number;
  readonly idleSeconds: number;
}

const clusterLength = 8;
const timeLength = 8;
/** So far may the clocks of two gateways differ. */
const maxSkewSeconds = 300;

export function clusterId(key: string): string {
  return hash32(key).toString(16).padStart(clusterLength, "0");
}

export { sessionId as endpointId };

export function encodeToken({ cluster, endpoint, issued, seen }: SessionToken): string {
  const time = (seconds: number): string => seconds.toString(16).padStart(timeLength, "0");
  return `${cluster}${endpoint}${time(issued)}${time(seen)}`;
}

/** Undefined: it is no token, or its session is over. */
export function readToken(
  text: string,
  timeouts: SessionTimeouts,
  nowSeconds: number,
): SessionToken | undefined {
  if (!/^[0-9a-f]{40}$/.test(text)) return undefined;
  const endpointEnd = clusterLength + sessionIdLength;
  const issuedEnd = endpointEnd + timeLength;
  const issued = Number.parseInt(text.slice(endpointEnd, issuedEnd), 16);
  const seen = Number.parseInt(text.slice(issuedEnd), 16);
  const { absoluteSeconds, idleSeconds } = timeouts;
  if (issued > nowSeconds + maxSkewSeconds || seen > nowSeconds + maxSkewSeconds) return undefined;
  if (absoluteSeconds > 0 && nowSeconds - issued >= absoluteSeconds) return undefined;
  if (idleSeconds > 0 && nowSeconds - seen >= idleSeconds) return undefined;
  return {
    cluster: text.slice(0, clusterLength),
    endpoint: text.slice(clusterLength, endpointEnd),
    issued,
    seen,
  };
}
