/** PURE: the last pieces of a step's time. What was slow in all of them lasts; what was slow in some was a pause. */

/**
 * Requests that a pause of the machine made slow end with it, and all proxies have told of them one interval of reports later: they
 * are in three pieces at the most, since none is shorter than that.
 */
export const windowCount = 4;
/** Pieces in the time of a step: what is slow is known for it long before that is over. */
const windowsInStep = 12;

export interface WindowTimes {
  readonly nowMs: number;
  /** What was told before is of the time before the step. */
  readonly sinceMs: number;
  readonly watchMs: number;
  readonly reportIntervalMs: number;
  /** Figures are kept in slots that begin at multiples of it. */
  readonly slotMs: number;
}

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Newest first: whole slots that are over, none from before the step, so there are fewer while it is young. */
export function recentWindows(times: WindowTimes): Window[] {
  const { nowMs, sinceMs, watchMs, reportIntervalMs, slotMs } = times;
  const lengthMs = Math.ceil(Math.max(reportIntervalMs, watchMs / windowsInStep) / slotMs) * slotMs;
  const windows: Window[] = [];
  let toMs = Math.floor(nowMs / slotMs) * slotMs;
  for (; windows.length < windowCount && toMs - lengthMs >= sinceMs; toMs -= lengthMs) {
    windows.push({ fromMs: toMs - lengthMs, toMs });
  }
  return windows;
}
