/** What a health check asks and how often, with the defaults filled in. */
import type { HealthCheck } from "../../../model/index.ts";
import type { HealthThresholds } from "./probed-health.ts";

export interface HealthCheckSettings {
  readonly probe: HealthCheck["probe"];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly thresholds: HealthThresholds;
}

const defaultIntervalMs = 10_000;
const defaultTimeoutMs = 1_000;
const defaultHealthy = 2;
const defaultUnhealthy = 3;

/** Undefined: nothing is checked. 0 stands for the default: every 10 s, 1 s of patience, 2 good or 3 bad ones in a row. */
export function healthCheckSettings(model: HealthCheck | undefined): HealthCheckSettings | undefined {
  if (model === undefined || model.probe.case === undefined) return undefined;
  return {
    probe: model.probe,
    intervalMs: model.intervalMs || defaultIntervalMs,
    timeoutMs: model.timeoutMs || defaultTimeoutMs,
    thresholds: {
      healthy: model.healthyThreshold || defaultHealthy,
      unhealthy: model.unhealthyThreshold || defaultUnhealthy,
    },
  };
}
