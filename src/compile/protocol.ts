/** The protocol of a port, as a Service declares it: `appProtocol` first, else what the port's name begins with (`http-api`). */
import { Protocol } from "../model/index.ts";
import type { RouteKind } from "./route-input.ts";

/**
 * Names that operators use, including Kubernetes' own prefixed ones. Protocols that weft does not read are raw TCP:
 * several of them let the server speak first, so waiting for the client's first bytes would only cost time.
 */
const declared: Readonly<Record<string, Protocol>> = {
  http: Protocol.HTTP,
  http1: Protocol.HTTP,
  "http/1.1": Protocol.HTTP,
  ws: Protocol.HTTP,
  "kubernetes.io/ws": Protocol.HTTP,
  // A backend that speaks gRPC-Web itself: requests of HTTP like any other.
  "grpc-web": Protocol.HTTP,
  h2: Protocol.HTTP2,
  http2: Protocol.HTTP2,
  "http/2": Protocol.HTTP2,
  h2c: Protocol.HTTP2,
  "kubernetes.io/h2c": Protocol.HTTP2,
  grpc: Protocol.GRPC,
  "kubernetes.io/grpc": Protocol.GRPC,
  https: Protocol.TLS,
  tls: Protocol.TLS,
  wss: Protocol.TLS,
  "kubernetes.io/wss": Protocol.TLS,
  tcp: Protocol.TCP,
  amqp: Protocol.TCP,
  kafka: Protocol.TCP,
  mongo: Protocol.TCP,
  mongodb: Protocol.TCP,
  mysql: Protocol.TCP,
  nats: Protocol.TCP,
  postgres: Protocol.TCP,
  postgresql: Protocol.TCP,
  redis: Protocol.TCP,
  smtp: Protocol.TCP,
};

/** Unspecified: told from the first bytes. */
export function protocolOf(port: {
  readonly appProtocol: string | undefined;
  readonly name: string;
}): Protocol {
  if (port.appProtocol !== undefined && port.appProtocol !== "")
    return lookUp(port.appProtocol.toLowerCase());
  return lookUpPrefix(port.name.toLowerCase());
}

/** The longest run of the name's parts that is known: "grpc-web-api" is no "grpc". */
function lookUpPrefix(name: string): Protocol {
  for (let end = name.length; end > 0; end = name.lastIndexOf("-", end - 1)) {
    const protocol = lookUp(name.slice(0, end));
    if (protocol !== Protocol.UNSPECIFIED) return protocol;
  }
  return Protocol.UNSPECIFIED;
}

export function protocolNamed(name: string): Protocol {
  return lookUp(name.toLowerCase());
}

function lookUp(name: string): Protocol {
  return (Object.hasOwn(declared, name) ? declared[name] : undefined) ?? Protocol.UNSPECIFIED;
}

/** Whether routes of the kind can be about what the port carries. */
export function canCarry(kind: RouteKind, protocol: Protocol): boolean {
  switch (protocol) {
    case Protocol.HTTP:
    case Protocol.HTTP2:
    case Protocol.GRPC:
      return kind !== "TLSRoute";
    case Protocol.TCP:
    case Protocol.TLS:
      return kind === "TLSRoute" || kind === "TCPRoute";
    case Protocol.UDP:
      return kind === "UDPRoute";
    case Protocol.UNSPECIFIED:
      return true;
  }
}
