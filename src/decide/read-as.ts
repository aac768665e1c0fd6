/** What a connection's content is taken for, by what its port is declared to speak. */
import { Protocol } from "../model/index.ts";

/**
 * - `http`: requests; what is something else is refused
 * - `bytes`: nothing is read
 * - `detected`: requests where the client speaks HTTP, bytes otherwise
 */
export type ReadAs = "http" | "bytes" | "detected";

/** `hasProxyHeader`: every connection to an endpoint begins with a header. Requests share connections, so that is a wish for bytes. */
export function readAs(declared: Protocol, hasProxyHeader: boolean): ReadAs {
  switch (declared) {
    case Protocol.HTTP:
    case Protocol.HTTP2:
    case Protocol.GRPC:
      return "http";
    case Protocol.TCP:
    case Protocol.TLS:
    case Protocol.UDP: // of no connection
      return "bytes";
    case Protocol.UNSPECIFIED:
      return hasProxyHeader ? "bytes" : "detected";
  }
}
