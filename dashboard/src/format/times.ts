/** Times for people, in their own zone. */
const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** `12 s`, `5 min`, `3 h`, `2 d`: how long, in one unit. */
export function formatSpan(ms: number): string {
  const size = Math.abs(ms);
  if (size < minuteMs) return `${Math.round(size / secondMs)} s`;
  if (size < hourMs) return `${Math.round(size / minuteMs)} min`;
  if (size < 2 * dayMs) return `${Math.round(size / hourMs)} h`;
  return `${Math.round(size / dayMs)} d`;
}

/** `5 min ago`, `in 3 h`, `now`. */
export function formatAgo(timeMs: number, nowMs: number): string {
  const ms = nowMs - timeMs;
  if (Math.abs(ms) < 2 * secondMs) return "now";
  return ms > 0 ? `${formatSpan(ms)} ago` : `in ${formatSpan(ms)}`;
}

export function formatClock(timeMs: number): string {
  return new Date(timeMs).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });
}

export function formatDate(timeMs: number): string {
  return new Date(timeMs).toLocaleString(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}
