/** Section `connections` of TrafficPolicy: connections to endpoints, and how much may be under way on them. */
import type { Issue } from "../kernel/index.ts";
import { milliseconds, timeSpan } from "./measures.ts";
import { integer, object, optional, type ValueOf } from "./schema.ts";

/** Above it a bound is none. */
const maxCount = 1_000_000;

export const connectionsSchema = object(
  "Connections from one proxy to the Service, and what may be under way on them.",
  {
    connectTimeout: optional(
      timeSpan("For a connection to stand, handshakes included. Default 5s.", { min: "1ms", max: "5m" }),
    ),
    idleTimeout: optional(
      timeSpan("A pooled connection without a request is closed after this long. Default 90s.", {
        min: "100ms",
        max: "24h",
      }),
    ),
    maxConnections: optional(
      integer(
        "To all endpoints together. A request that needs one more waits for one; a TCP session is refused.",
        1,
        maxCount,
      ),
    ),
    maxConnectionsPerEndpoint: optional(
      integer("To one endpoint; what needs one more waits. Default 1024.", 1, maxCount),
    ),
    maxPendingRequests: optional(
      integer(
        "Requests that wait for a connection to one endpoint; more are refused. Default 1024.",
        1,
        maxCount,
      ),
    ),
    maxRequests: optional(
      integer("Requests under way to all endpoints together; more are refused.", 1, maxCount),
    ),
    maxRequestsPerConnection: optional(
      integer("A connection is closed after this many requests; 0: no bound. Default 0.", 0, 1_000_000_000),
    ),
    maxLifetime: optional(
      timeSpan("A connection takes no new request after this long. Default: no bound.", {
        min: "1s",
        max: "720h",
        zero: "no bound",
      }),
    ),
    keepAlive: optional(
      object("TCP's own probes of connections that carry nothing.", {
        idle: optional(timeSpan("The first one after this long.", { min: "1s", max: "24h" })),
        interval: optional(timeSpan("Between one and the next.", { min: "1s", max: "1h" })),
      }),
    ),
    tcpIdleTimeout: optional(
      timeSpan("A raw TCP session that carries nothing is reset after this long. Default: MeshConfig's.", {
        min: "1s",
        max: "168h",
      }),
    ),
  },
);

export function checkConnections(connections: ValueOf<typeof connectionsSchema>, path: string): Issue[] {
  const { maxConnections, maxConnectionsPerEndpoint, maxLifetime, idleTimeout } = connections;
  const issues: Issue[] = [];
  if (
    maxConnections !== undefined &&
    maxConnectionsPerEndpoint !== undefined &&
    maxConnectionsPerEndpoint > maxConnections
  ) {
    issues.push({ path: `${path}.maxConnectionsPerEndpoint`, message: "cannot be more than maxConnections" });
  }
  const lifetime = milliseconds(maxLifetime) ?? 0;
  if (lifetime > 0 && (milliseconds(idleTimeout) ?? 0) > lifetime) {
    issues.push({ path: `${path}.idleTimeout`, message: "cannot be longer than maxLifetime" });
  }
  return issues;
}
