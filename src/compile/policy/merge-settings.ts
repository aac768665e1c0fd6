/**
 * What several policies say, laid over one another field by field: the nearest that says something about a field has it.
 * A field is what `leaves` lists: lists, a session and a probe are taken whole, since half of one has no meaning.
 */
import type { PolicyInput, TrafficSettings } from "./policy-input.ts";

type HealthCheck = NonNullable<TrafficSettings["healthCheck"]>;

/** The nearest first. */
export function mergeSettings(layers: readonly TrafficSettings[]): TrafficSettings {
  return layers.reduceRight<TrafficSettings>((far, near) => lay(near, far), {});
}

function lay(near: TrafficSettings, far: TrafficSettings): TrafficSettings {
  const merged: Mutable<TrafficSettings> = { ...far, ...near };
  if (near.balancing !== undefined && far.balancing !== undefined) {
    merged.balancing = {
      ...far.balancing,
      ...near.balancing,
      ...both("slowStart", near.balancing.slowStart, far.balancing.slowStart),
    };
  }
  if (near.locality !== undefined) merged.locality = { ...far.locality, ...near.locality };
  if (near.connections !== undefined && far.connections !== undefined) {
    merged.connections = {
      ...far.connections,
      ...near.connections,
      ...both("keepAlive", near.connections.keepAlive, far.connections.keepAlive),
    };
  }
  if (near.timeouts !== undefined) merged.timeouts = { ...far.timeouts, ...near.timeouts };
  if (near.retries !== undefined && far.retries !== undefined) {
    merged.retries = {
      ...far.retries,
      ...near.retries,
      ...both("backoff", near.retries.backoff, far.retries.backoff),
      ...both("budget", near.retries.budget, far.retries.budget),
    };
  }
  if (near.hedging !== undefined) merged.hedging = { ...far.hedging, ...near.hedging };
  if (near.outlierDetection !== undefined && far.outlierDetection !== undefined) {
    merged.outlierDetection = {
      ...far.outlierDetection,
      ...near.outlierDetection,
      ...both("successRate", near.outlierDetection.successRate, far.outlierDetection.successRate),
      ...both("latency", near.outlierDetection.latency, far.outlierDetection.latency),
    };
  }
  if (near.healthCheck !== undefined) {
    merged.healthCheck = { ...withoutProbe(far.healthCheck), ...near.healthCheck };
  }
  if (near.adaptiveConcurrency !== undefined) {
    merged.adaptiveConcurrency = { ...far.adaptiveConcurrency, ...near.adaptiveConcurrency };
  }
  return merged;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A nested section that both may have. */
function both<K extends string, T extends object>(
  name: K,
  near: T | undefined,
  far: T | undefined,
): Partial<Record<K, T>> {
  if (near === undefined || far === undefined) return {};
  const section: Partial<Record<K, T>> = {};
  section[name] = { ...far, ...near };
  return section;
}

function withoutProbe(check: HealthCheck | undefined): HealthCheck {
  const { http: _http, grpc: _grpc, tcp: _tcp, ...rest } = check ?? {};
  return rest;
}

/** Taken whole. */
const units: ReadonlySet<string> = new Set(["sessionPersistence", "faults"]);
const probes: ReadonlySet<string> = new Set(["healthCheck.http", "healthCheck.grpc", "healthCheck.tcp"]);

/** Paths of the fields that a policy says something about: `retries.backoff.base`. */
export function leaves({ spec }: PolicyInput): string[] {
  const { targetRefs: _, ...said } = spec;
  return leavesOf(said, "");
}

/** The same of settings that no policy holds. */
export function leavesOf(said: object, path: string): string[] {
  return Object.entries(said).flatMap(([name, value]: [string, unknown]): string[] => {
    const at = path === "" ? name : `${path}.${name}`;
    if (probes.has(at)) return ["healthCheck.probe"];
    if (units.has(at) || typeof value !== "object" || value === null || Array.isArray(value)) return [at];
    return leavesOf(value, at);
  });
}
