/** Figures that move: each a function of the time alone, so that every page and every reload sees the same past. */
import type { SignalGroup, SignalPoint } from "../src/api/documents.ts";
import type { FakeCall } from "./fake-mesh.ts";

/** From 0 to 1, the same for the same text and slot. */
export function noise(text: string, slot: number): number {
  let hash = 2_166_136_261 ^ slot;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 2_246_822_507);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 4_294_967_296;
}

const minuteMs = 60_000;

/** Requests per second of a call at a time. */
export function rateAt({ from, to, perSecond }: FakeCall, timeMs: number, stepMs: number): number {
  const wave = Math.sin((timeMs / minuteMs / 22) * 2 * Math.PI + noise(to, 0) * 6);
  const jitter = noise(`${from}>${to}`, Math.floor(timeMs / stepMs)) - 0.5;
  return Math.max(0, perSecond * (1 + 0.16 * wave + 0.14 * jitter));
}

/** Worse for some minutes in each quarter of an hour, where it fails at all. */
function strainAt(timeMs: number): number {
  const phase = (timeMs / minuteMs) % 15;
  return phase > 9 ? 1 + (phase - 9) * 0.22 : 0.55;
}

export function pointOf(calls: readonly FakeCall[], timeMs: number, stepMs: number, share = 1): SignalPoint {
  let count = 0;
  let failures = 0;
  let weighted = 0;
  let p99Ms = 0;
  for (const call of calls) {
    const each = rateAt(call, timeMs, stepMs) * (stepMs / 1000) * share;
    const strain = call.errorShare > 0.01 ? strainAt(timeMs) : 1;
    count += each;
    failures += each * call.errorShare * strain * (0.6 + 0.8 * noise(call.to, Math.floor(timeMs / stepMs)));
    weighted += each * call.p50Ms;
    const wobble = 0.85 + 0.3 * noise(`${call.to} slow`, Math.floor(timeMs / stepMs));
    p99Ms = Math.max(p99Ms, call.p99Ms * wobble * (call.errorShare > 0.01 ? 0.7 + strain * 0.4 : 1));
  }
  const whole = Math.round(count);
  const p50Ms =
    count === 0 ? 0 : (weighted / count) * (0.92 + 0.16 * noise("p50", Math.floor(timeMs / stepMs)));
  return {
    timeMs,
    count: whole,
    failures: Math.min(whole, Math.round(failures)),
    p50Ms,
    p90Ms: p50Ms + (p99Ms - p50Ms) * 0.38,
    p99Ms: count === 0 ? 0 : p99Ms,
    requestBytes: whole * 640,
    responseBytes: whole * 4_800,
  };
}

export interface GroupRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

export function groupOf(
  key: string,
  calls: readonly FakeCall[],
  { fromMs, toMs, stepMs }: GroupRange,
  share = 1,
): SignalGroup {
  const points: SignalPoint[] = [];
  for (let timeMs = fromMs; timeMs < toMs; timeMs += stepMs)
    points.push(pointOf(calls, timeMs, stepMs, share));
  const sum = (read: (point: SignalPoint) => number): number =>
    points.reduce((total, point) => total + read(point), 0);
  const mean = (read: (point: SignalPoint) => number): number =>
    points.length === 0 ? 0 : sum(read) / points.length;
  return {
    key,
    points,
    totals: {
      count: sum(({ count }) => count),
      failures: sum(({ failures }) => failures),
      p50Ms: mean(({ p50Ms }) => p50Ms),
      p90Ms: mean(({ p90Ms }) => p90Ms),
      p99Ms: mean(({ p99Ms }) => p99Ms),
      requestBytes: sum(({ requestBytes }) => requestBytes),
      responseBytes: sum(({ responseBytes }) => responseBytes),
    },
  };
}
