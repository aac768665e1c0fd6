/** Moments as people write them: how long ago, a time of today, or a time of ISO 8601. */
import { parseDurationMs } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";

const dayMs = 86_400_000;

/** In Unix milliseconds. A time of day is local, and of today or, where that is still to come, of yesterday. Throws `usage`. */
export function parseMoment(text: string, nowMs: number): number {
  const ago = /^(?<duration>\S+)(?:\s+ago)?$/.exec(text.trim())?.groups?.["duration"];
  const durationMs = ago === undefined ? undefined : parseDurationMs(ago);
  if (durationMs !== undefined) return nowMs - durationMs;
  const clock = /^(?<hour>[01]?\d|2[0-3]):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d))?$/.exec(
    text.trim(),
  )?.groups;
  if (clock !== undefined) {
    const day = new Date(nowMs);
    day.setHours(Number(clock["hour"]), Number(clock["minute"]), Number(clock["second"] ?? 0), 0);
    return day.getTime() <= nowMs ? day.getTime() : day.getTime() - dayMs;
  }
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text.trim().replace(" ", "T")) : Number.NaN;
  if (Number.isNaN(time) || time < 0) {
    throw new WeftError("usage", `${JSON.stringify(text)} is no time`, {
      hint: "write how long ago it was (10m, '2h ago'), a time of today (14:05), or 2026-01-31T14:05:00Z",
    });
  }
  return time;
}
