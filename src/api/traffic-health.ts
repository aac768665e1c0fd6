/** Sections `outlierDetection`, `healthCheck` and `adaptiveConcurrency` of TrafficPolicy: which endpoints are fit, and for how much. */
import type { Issue } from "../kernel/index.ts";
import { headerName, preciseHostname } from "./formats.ts";
import { decimal, milliseconds, timeSpan } from "./measures.ts";
import { integer, list, object, optional, text, type ValueOf } from "./schema.ts";

const maxFailures = 10_000;
const maxRequests = 1_000_000;
const maxStatuses = 32;
const maxThreshold = 100;

export const outlierSchema = object(
  "An endpoint that fails real requests takes none for a while. On by default.",
  {
    consecutive5xx: optional(
      integer("Answers of 5xx in a row; 0: not looked at. Default 0.", 0, maxFailures),
    ),
    consecutiveGatewayErrors: optional(
      integer("Answers of 502, 503 or 504 in a row; 0: not looked at. Default 5.", 0, maxFailures),
    ),
    consecutiveLocalFailures: optional(
      integer("Failed connects, resets and timeouts in a row; 0: not looked at. Default 5.", 0, maxFailures),
    ),
    interval: optional(
      timeSpan("How often success rates and latencies are compared. Default 10s.", {
        min: "100ms",
        max: "1h",
      }),
    ),
    baseEjection: optional(
      timeSpan("The first time out; each further one is longer by as much. Default 30s.", {
        min: "100ms",
        max: "24h",
      }),
    ),
    maxEjection: optional(timeSpan("The longest time out. Default 5m.", { min: "100ms", max: "24h" })),
    maxEjectedPercent: optional(integer("Share of endpoints that may be out at a time. Default 50.", 1, 100)),
    successRate: optional(
      object("Endpoints whose share of successes lies far below the others'.", {
        deviation: optional(
          decimal("Standard deviations below the mean.", { min: "0.1", max: "100", zero: "not looked at" }),
        ),
        minimumRequests: optional(
          integer("Only endpoints with so many requests in an interval. Default 100.", 1, maxRequests),
        ),
        minimumEndpoints: optional(
          integer("Only where there are so many such endpoints. Default 5.", 2, maxRequests),
        ),
      }),
    ),
    latency: optional(
      object("Endpoints that answer much slower than the others.", {
        factor: optional(
          decimal("Times the median of all endpoints' medians.", {
            min: "1.1",
            max: "1000",
            zero: "not looked at",
          }),
        ),
      }),
    ),
  },
);

export const healthCheckSchema = object(
  "Proxies that send requests to an endpoint ask it whether it is fit. Exactly one of http, grpc and tcp.",
  {
    http: optional(
      object("A GET request.", {
        path: text("Its path.", {
          min: 1,
          max: 1024,
          pattern: "^/[!-~]*$",
          expected: "an absolute path such as /healthz",
        }),
        host: optional(text("Its host; the Service's own name where absent.", preciseHostname)),
        statuses: optional(
          list("Which statuses are fit. Default 200 to 399.", integer("A status.", 100, 599), {
            min: 1,
            max: maxStatuses,
            unique: true,
          }),
        ),
      }),
    ),
    grpc: optional(
      object("grpc.health.v1.Health/Check.", {
        service: optional(
          text("Name of the service to ask for; the whole server where absent.", {
            min: 0,
            max: 253,
            pattern: "^[A-Za-z0-9_./-]*$",
            expected: "a gRPC service such as shop.v1.Cart",
          }),
        ),
      }),
    ),
    tcp: optional(object("A connection that is accepted is fit.", {})),
    interval: optional(timeSpan("Between two probes. Default 10s.", { min: "100ms", max: "1h" })),
    timeout: optional(timeSpan("For a probe's answer. Default 1s.", { min: "1ms", max: "5m" })),
    healthyThreshold: optional(
      integer("Good answers in a row after which it is fit again. Default 2.", 1, maxThreshold),
    ),
    unhealthyThreshold: optional(
      integer("Bad answers in a row after which it is unfit. Default 3.", 1, maxThreshold),
    ),
  },
);

export const adaptiveConcurrencySchema = object(
  "Requests under way to one endpoint are bounded by what its latency shows that it can do.",
  {
    minimum: optional(integer("The bound is never less. Default 5.", 1, maxRequests)),
    maximum: optional(integer("The bound is never more. Default 1024.", 1, maxRequests)),
    tolerancePercent: optional(
      integer("Latency so far above that of an idle endpoint is still fine. Default 50.", 1, 1_000),
    ),
    priorityHeader: optional(
      text(
        "Header that says a request's priority: critical, default or sheddable. What is sheddable is refused first.",
        headerName,
      ),
    ),
  },
);

export function checkOutlier(outlier: ValueOf<typeof outlierSchema>, path: string): Issue[] {
  const [base, max] = [milliseconds(outlier.baseEjection), milliseconds(outlier.maxEjection)];
  if (base === undefined || max === undefined || base <= max) return [];
  return [{ path: `${path}.baseEjection`, message: "cannot be longer than maxEjection" }];
}

export function checkHealthCheck(check: ValueOf<typeof healthCheckSchema>, path: string): Issue[] {
  const issues: Issue[] = [];
  const probes = [check.http, check.grpc, check.tcp].filter((probe) => probe !== undefined);
  if (probes.length !== 1) issues.push({ path, message: "must have exactly one of http, grpc, tcp" });
  const [interval, timeout] = [milliseconds(check.interval), milliseconds(check.timeout)];
  if (interval !== undefined && timeout !== undefined && timeout > interval) {
    issues.push({ path: `${path}.timeout`, message: "cannot be longer than interval" });
  }
  return issues;
}

export function checkConcurrency(
  { minimum, maximum }: ValueOf<typeof adaptiveConcurrencySchema>,
  path: string,
): Issue[] {
  if (minimum === undefined || maximum === undefined || minimum <= maximum) return [];
  return [{ path: `${path}.minimum`, message: "cannot be more than maximum" }];
}
