/** How long a callee asks to be left alone: `Retry-After` (RFC 9110 section 10.2.3), and gRPC's pushback. */

/** A century; more digits are nobody's wish. */
const maxSeconds = 3_155_760_000;

/** In ms from now, at least 0; undefined: neither a number of seconds nor a date. */
export function parseRetryAfter(text: string, nowMs: number): number | undefined {
  if (/^[0-9]{1,10}$/.test(text)) return Math.min(maxSeconds, Number(text)) * 1_000;
  const atMs = parseHttpDate(text);
  return atMs === undefined ? undefined : Math.max(0, atMs - nowMs);
}

/**
 * `grpc-retry-pushback-ms` (gRFC A6): what is no number that is 0 or more, -1 above all, forbids another try.
 */
export function parsePushback(text: string): number | "never" {
  return /^[0-9]{1,10}$/.test(text) ? Number(text) : "never";
}

const imf =
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/;
/** Obsolete forms that a recipient must still read (RFC 9110 section 5.6.7). */
const rfc850 =
  /^[A-Z][a-z]+day, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/;
const asctime =
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function parseHttpDate(text: string): number | undefined {
  const groups = (imf.exec(text) ?? rfc850.exec(text) ?? asctime.exec(text))?.groups;
  if (groups === undefined) return undefined;
  const month = months.indexOf(groups["month"] ?? "");
  const [hour = 0, minute = 0, second = 0] = (groups["time"] ?? "").split(":").map(Number);
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined;
  const year = groups["year"] ?? "";
  // Two digits: this century, since none of these is a date of the last one.
  const fullYear = year.length === 2 ? 2_000 + Number(year) : Number(year);
  return Date.UTC(fullYear, month, Number(groups["day"]), hour, minute, second);
}
