/** When an endpoint is taken out because of how it answers: a policy's word, or the defaults where there is none. */
import type { OutlierDetection } from "../../../model/index.ts";

export interface OutlierSettings {
  /** Answers of one endpoint in a row with a status from 500 on. Infinity: not looked at; the same for the next two. */
  readonly consecutive5xx: number;
  /** 502, 503 and 504 in a row. */
  readonly consecutiveGatewayErrors: number;
  /** Failed connects, resets and timeouts, without an answer in between. */
  readonly consecutiveLocalFailures: number;
  readonly intervalUs: number;
  /** Times the number of ejections that it has not yet lived down. */
  readonly baseEjectionUs: number;
  readonly maxEjectionUs: number;
  /** Of a cluster's endpoints; one may always go where there are two or more. */
  readonly maxEjectedPercent: number;
  readonly successRate: SuccessRateSettings | undefined;
  /** Median over the median of all endpoints' medians. Undefined: not looked at. */
  readonly latencyFactor: number | undefined;
}

export interface SuccessRateSettings {
  readonly deviations: number;
  readonly minRequests: number;
  readonly minEndpoints: number;
}

const defaultIntervalMs = 10_000;
const defaultBaseEjectionMs = 30_000;
const defaultMaxEjectionMs = 300_000;
/** Half: what is left can carry the load of a service that is sized for the loss of a zone. */
const defaultMaxEjectedPercent = 50;
const defaultConsecutive = 5;
/** A rate of fewer requests, or compared with fewer endpoints, says nothing (Envoy's defaults). */
const defaultMinRequests = 100;
const defaultMinEndpoints = 5;

const defaults: OutlierSettings = {
  consecutive5xx: Infinity,
  consecutiveGatewayErrors: defaultConsecutive,
  consecutiveLocalFailures: defaultConsecutive,
  intervalUs: defaultIntervalMs * 1_000,
  baseEjectionUs: defaultBaseEjectionMs * 1_000,
  maxEjectionUs: defaultMaxEjectionMs * 1_000,
  maxEjectedPercent: defaultMaxEjectedPercent,
  successRate: undefined,
  latencyFactor: undefined,
};

/**
 * Absent: the defaults. Given: each of its detectors that is 0 is off; times and shares that are 0 are the defaults.
 * Undefined: nothing is looked at.
 */
export function outlierSettings(model: OutlierDetection | undefined): OutlierSettings | undefined {
  if (model === undefined) return defaults;
  const settings: OutlierSettings = {
    consecutive5xx: model.consecutive5xx || Infinity,
    consecutiveGatewayErrors: model.consecutiveGatewayErrors || Infinity,
    consecutiveLocalFailures: model.consecutiveLocalFailures || Infinity,
    intervalUs: (model.intervalMs || defaultIntervalMs) * 1_000,
    baseEjectionUs: (model.baseEjectionMs || defaultBaseEjectionMs) * 1_000,
    maxEjectionUs: (model.maxEjectionMs || defaultMaxEjectionMs) * 1_000,
    maxEjectedPercent: Math.min(100, model.maxEjectedPercent || defaultMaxEjectedPercent),
    successRate: successRate(model),
    latencyFactor: model.latencyFactorHundredths === 0 ? undefined : model.latencyFactorHundredths / 100,
  };
  return isAnyOn(settings) ? settings : undefined;
}

function successRate(model: OutlierDetection): SuccessRateSettings | undefined {
  if (model.successRateDeviationHundredths === 0) return undefined;
  return {
    deviations: model.successRateDeviationHundredths / 100,
    minRequests: model.successRateMinRequests || defaultMinRequests,
    minEndpoints: model.successRateMinHosts || defaultMinEndpoints,
  };
}

function isAnyOn(settings: OutlierSettings): boolean {
  return (
    settings.consecutive5xx !== Infinity ||
    settings.consecutiveGatewayErrors !== Infinity ||
    settings.consecutiveLocalFailures !== Infinity ||
    settings.successRate !== undefined ||
    settings.latencyFactor !== undefined
  );
}
