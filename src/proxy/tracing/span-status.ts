/** When a span is an error, and what its error is called: OpenTelemetry's rules for HTTP and gRPC. Pure. */
import { grpcStatusName } from "../../grpc/index.ts";
import { isGrpcServerFault, type ReasonCode } from "../../kernel/index.ts";

export interface SpanOutcome {
  readonly isServer: boolean;
  /** 0: there was none. */
  readonly status: number;
  /** Undefined: no gRPC, or it never came. */
  readonly grpcStatus: number | undefined;
  readonly reason: ReasonCode | undefined;
}

/** `error.type`; undefined: the span is no error. A client's span is one from status 400 on, a server's from 500 on. */
export function errorType({ isServer, status, grpcStatus, reason }: SpanOutcome): string | undefined {
  // Trouble made on purpose that did not make the request fail is told as an event.
  if (reason !== undefined && (reason !== "fault_injected" || status >= 400)) return reason;
  if (grpcStatus !== undefined && grpcStatus !== 0) {
    if (isServer && !isGrpcServerFault(grpcStatus)) return undefined;
    return grpcStatusName(grpcStatus) ?? String(grpcStatus);
  }
  return status >= (isServer ? 500 : 400) ? String(status) : undefined;
}

const methods: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"],
]);

/** `_OTHER` where somebody made it up: names of spans and values of attributes are few. */
export function methodName(method: string): string {
  return methods.has(method) ? method : "_OTHER";
}

export interface HostPort {
  readonly host: string;
  /** Undefined: none is said. */
  readonly port: number | undefined;
}

/** "host", "host:80", "[::1]:80", "10.0.0.1:80". */
export function splitAuthority(authority: string): HostPort {
  const groups = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d{1,5}))?$/.exec(authority)?.groups;
  // Addresses of IPv6 stand without brackets where they come from sockets.
  if (groups === undefined) return splitLast(authority);
  const { host = "", port } = groups;
  return {
    host: host.startsWith("[") ? host.slice(1, -1) : host,
    port: port === undefined ? undefined : Number(port),
  };
}

function splitLast(place: string): HostPort {
  const groups = /^(?<host>[0-9a-fA-F:.]*):(?<port>\d{1,5})$/.exec(place)?.groups;
  return groups === undefined
    ? { host: place, port: undefined }
    : { host: groups["host"] ?? "", port: Number(groups["port"]) };
}
