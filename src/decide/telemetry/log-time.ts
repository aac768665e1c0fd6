/**
 * Moments in a text format: `strftime` in UTC, with Envoy's `%f` for parts of a second (`%3f`: three digits). Names are English
 * ones. Pure.
 */

/** A text as it stands, or writes a part of a moment. */
export type TimePart = string | TimeWriter;
type TimeWriter = (moment: Moment) => string;

interface Moment {
  readonly date: Date;
  /** Since the second began, up to 999,999,999. */
  readonly nanos: number;
}

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];
const dayMs = 86_400_000;

const writers: Readonly<Record<string, TimeWriter>> = {
  Y: ({ date }) => String(date.getUTCFullYear()),
  y: ({ date }) => padded(date.getUTCFullYear() % 100, 2),
  m: ({ date }) => padded(date.getUTCMonth() + 1, 2),
  d: ({ date }) => padded(date.getUTCDate(), 2),
  e: ({ date }) => padded(date.getUTCDate(), 2, " "),
  j: ({ date }) => padded(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0)) / dayMs) + 1, 3),
  H: ({ date }) => padded(date.getUTCHours(), 2),
  I: ({ date }) => padded(date.getUTCHours() % 12 || 12, 2),
  M: ({ date }) => padded(date.getUTCMinutes(), 2),
  S: ({ date }) => padded(date.getUTCSeconds(), 2),
  p: ({ date }) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  a: ({ date }) => (days[date.getUTCDay()] ?? "").slice(0, 3),
  A: ({ date }) => days[date.getUTCDay()] ?? "",
  b: ({ date }) => (months[date.getUTCMonth()] ?? "").slice(0, 3),
  B: ({ date }) => months[date.getUTCMonth()] ?? "",
  F: ({ date }) => date.toISOString().slice(0, 10),
  T: ({ date }) => date.toISOString().slice(11, 19),
  R: ({ date }) => date.toISOString().slice(11, 16),
  s: ({ date }) => String(Math.floor(date.getTime() / 1_000)),
  f: ({ nanos }) => padded(nanos, 9),
  z: () => "+0000",
  Z: () => "UTC",
  "%": () => "%",
};

/** Undefined: it has a conversion that is not known here, or ends within one. */
export function parseTimeFormat(format: string): readonly TimePart[] | undefined {
  const parts: TimePart[] = [];
  for (const [whole, , digits = "", name = ""] of format.matchAll(/([^%]+)|%([1-9]?)(.?)/gsu)) {
    if (!whole.startsWith("%")) {
      parts.push(whole);
      continue;
    }
    const writer = Object.hasOwn(writers, name) ? writers[name] : undefined;
    if (writer === undefined || (digits !== "" && name !== "f")) return undefined;
    parts.push(digits === "" ? writer : ({ nanos }) => padded(nanos, 9).slice(0, Number(digits)));
  }
  return parts;
}

/** `timeMs`: Unix time; its fraction are parts of a millisecond. */
export function formatTime(parts: readonly TimePart[], timeMs: number): string {
  const micros = Math.floor(timeMs * 1_000);
  const moment = { date: new Date(timeMs), nanos: (micros - Math.floor(micros / 1e6) * 1e6) * 1_000 };
  return parts.map((part) => (typeof part === "string" ? part : part(moment))).join("");
}

function padded(value: number, width: number, fill = "0"): string {
  return String(value).padStart(width, fill);
}
