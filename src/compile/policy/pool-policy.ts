/** What policies say of a pool of endpoints, in the form that proxies run. */
import { hundredths, milliseconds } from "../../api/index.ts";
import {
  type AdaptiveConcurrencySchema,
  BalancingAlgorithm,
  type BalancingSchema,
  type ConnectionPolicySchema,
  type HashKeySchema,
  type HealthCheckSchema,
  type LocalitySchema,
  type OutlierDetectionSchema,
} from "../../model/index.ts";
import type { TrafficSettings } from "./policy-input.ts";
import { wholeSeconds } from "../session-persistence.ts";
import type { InitOf } from "../resource.ts";

type Balancing = NonNullable<TrafficSettings["balancing"]>;
type HealthCheck = NonNullable<TrafficSettings["healthCheck"]>;

/** Where a policy says something of outlier detection, 0 switches a detector off: so what it does not mention is written. */
const defaultConsecutive = 5;
const defaultSlowStart = { minimumPercent: 10, aggression: "1.0" };

const algorithms: Readonly<Record<NonNullable<Balancing["algorithm"]>, BalancingAlgorithm>> = {
  PeakEwma: BalancingAlgorithm.PEAK_EWMA,
  LeastRequest: BalancingAlgorithm.LEAST_REQUEST,
  RoundRobin: BalancingAlgorithm.ROUND_ROBIN,
  Random: BalancingAlgorithm.RANDOM,
  RingHash: BalancingAlgorithm.RING_HASH,
  Maglev: BalancingAlgorithm.MAGLEV,
};

export function compileBalancing(balancing: Balancing): InitOf<typeof BalancingSchema> {
  const { algorithm, hash, ringSize, tableSize, slowStart, panicPercent } = balancing;
  const windowMs = milliseconds(slowStart?.window) ?? 0;
  return {
    algorithm: algorithm === undefined ? BalancingAlgorithm.UNSPECIFIED : algorithms[algorithm],
    hashKeys: (hash ?? []).map(compileHashKey),
    ringSize: ringSize ?? 0,
    tableSize: tableSize ?? 0,
    ...(windowMs === 0
      ? {}
      : {
          slowStart: {
            windowMs,
            minPercent: slowStart?.minimumPercent ?? defaultSlowStart.minimumPercent,
            aggressionHundredths: hundredths(slowStart?.aggression ?? defaultSlowStart.aggression) ?? 0,
          },
        }),
    ...(panicPercent === undefined ? {} : { panicPercent }),
  };
}

/** Its schema says that there is exactly one field. */
function compileHashKey(key: NonNullable<Balancing["hash"]>[number]): InitOf<typeof HashKeySchema> {
  const { header, cookie, queryParameter, sourceAddress } = key;
  if (header !== undefined) return { key: { case: "header", value: header.toLowerCase() } };
  if (queryParameter !== undefined) return { key: { case: "queryParameter", value: queryParameter } };
  if (sourceAddress !== undefined) return { key: { case: "sourceAddress", value: true } };
  if (cookie === undefined) return { key: { case: "sourceIdentity", value: true } };
  const maxAgeSeconds = wholeSeconds(cookie.maxAge);
  return { key: { case: "cookie", value: { name: cookie.name, path: cookie.path ?? "/", maxAgeSeconds } } };
}

export function compileLocality(
  locality: NonNullable<TrafficSettings["locality"]>,
): InitOf<typeof LocalitySchema> {
  const { preferSameZone, minFitPercent, failover, weights } = locality;
  return {
    preferSameZone: preferSameZone ?? true,
    ...(minFitPercent === undefined ? {} : { minFitPercent }),
    failover: (failover ?? []).map(({ from, to }) => ({ from, to: [...to] })),
    weights: (weights ?? []).map((each) => ({ ...each })),
  };
}

export function compileConnections(
  connections: NonNullable<TrafficSettings["connections"]>,
): InitOf<typeof ConnectionPolicySchema> {
  const { keepAlive } = connections;
  return {
    maxConnections: connections.maxConnections ?? 0,
    maxRequests: connections.maxRequests ?? 0,
    maxRequestsPerConnection: connections.maxRequestsPerConnection ?? 0,
    maxLifetimeMs: milliseconds(connections.maxLifetime) ?? 0,
    keepAliveIdleMs: milliseconds(keepAlive?.idle) ?? 0,
    keepAliveIntervalMs: milliseconds(keepAlive?.interval) ?? 0,
    tcpIdleTimeoutMs: milliseconds(connections.tcpIdleTimeout) ?? 0,
  };
}

export function compileOutlier(
  outlier: NonNullable<TrafficSettings["outlierDetection"]>,
): InitOf<typeof OutlierDetectionSchema> {
  const { successRate, latency } = outlier;
  return {
    consecutive5xx: outlier.consecutive5xx ?? 0,
    consecutiveGatewayErrors: outlier.consecutiveGatewayErrors ?? defaultConsecutive,
    consecutiveLocalFailures: outlier.consecutiveLocalFailures ?? defaultConsecutive,
    intervalMs: milliseconds(outlier.interval) ?? 0,
    baseEjectionMs: milliseconds(outlier.baseEjection) ?? 0,
    maxEjectionMs: milliseconds(outlier.maxEjection) ?? 0,
    maxEjectedPercent: outlier.maxEjectedPercent ?? 0,
    successRateDeviationHundredths: hundredths(successRate?.deviation) ?? 0,
    successRateMinRequests: successRate?.minimumRequests ?? 0,
    successRateMinHosts: successRate?.minimumEndpoints ?? 0,
    latencyFactorHundredths: hundredths(latency?.factor) ?? 0,
  };
}

export function compileHealthCheck(check: HealthCheck): InitOf<typeof HealthCheckSchema> {
  return {
    probe: compileProbe(check),
    intervalMs: milliseconds(check.interval) ?? 0,
    timeoutMs: milliseconds(check.timeout) ?? 0,
    healthyThreshold: check.healthyThreshold ?? 0,
    unhealthyThreshold: check.unhealthyThreshold ?? 0,
  };
}

function compileProbe({ http, grpc }: HealthCheck): NonNullable<InitOf<typeof HealthCheckSchema>["probe"]> {
  if (http !== undefined) {
    const { path, host, statuses } = http;
    return { case: "http", value: { path, host: host ?? "", statuses: [...(statuses ?? [])] } };
  }
  if (grpc !== undefined) return { case: "grpc", value: { service: grpc.service ?? "" } };
  return { case: "tcp", value: {} };
}

export function compileConcurrency(
  concurrency: NonNullable<TrafficSettings["adaptiveConcurrency"]>,
): InitOf<typeof AdaptiveConcurrencySchema> {
  return {
    min: concurrency.minimum ?? 0,
    max: concurrency.maximum ?? 0,
    tolerancePercent: concurrency.tolerancePercent ?? 0,
    priorityHeader: concurrency.priorityHeader?.toLowerCase() ?? "",
  };
}
