/** Limits of proxies: what one peer, request or connection may cost. One line each gives name, bounds, default and reference text. */
import type { Issue } from "../kernel/index.ts";
import { parseDurationMs } from "./duration.ts";
import { duration } from "./formats.ts";
import { integer, object, text, type ValueOf } from "./schema.ts";

/** The bound on a count: above it a limit is none. */
const maxCount = 1_000_000;
const mebibyte = 1_048_576;
/** Longer than any session should be held for nothing. */
const maxTimeoutMs = 7 * 86_400_000;

export const limitsSchema = object(
  "What one peer, request or connection may cost a proxy.",
  {
    maxHeaderBytes: integer(
      "Bytes of a message's head, first line and all fields; more is answered with 431.",
      1_024,
      mebibyte,
      { default: 65_536 },
    ),
    maxHeaders: integer("Fields of a message's head; more are answered with 431.", 8, 4_096, {
      default: 128,
    }),
    maxUriBytes: integer("Bytes of a request's target; more are answered with 414.", 256, mebibyte, {
      default: 16_384,
    }),
    maxBufferedBodyBytes: integer(
      "Bytes of one body in one direction that wait in memory; then its sender is paused.",
      4_096,
      16 * mebibyte,
      { default: 65_536 },
    ),
    maxConnections: integer("Connections of one listener; further ones are closed at once.", 1, maxCount, {
      default: 16_384,
    }),
    maxConcurrentStreams: integer("Requests at a time on one HTTP/2 connection.", 1, 10_000, {
      default: 100,
    }),
    headerTimeout: text(
      "From a request's first byte to the end of its head; then it is answered with 408 and closed.",
      duration,
      { default: "15s" },
    ),
    idleTimeout: text("A connection without a request is closed after this long.", duration, {
      default: "5m",
    }),
    bodyIdleTimeout: text("A body that does not move ends its exchange after this long.", duration, {
      default: "5m",
    }),
    tcpIdleTimeout: text(
      "A TCP session that carries nothing in either direction is closed after this long; 0s: never.",
      duration,
      { default: "1h" },
    ),
    maxHandshakes: integer(
      "TLS handshakes in progress at one listener; further ones are closed.",
      1,
      maxCount,
      {
        default: 1_024,
      },
    ),
    handshakeTimeout: text("A TLS handshake is given up after this long.", duration, { default: "10s" }),
    maxRequestsPerConnection: integer(
      "A connection is closed after this many requests; 0: never for that reason.",
      0,
      1_000_000_000,
      { default: 0 },
    ),
  },
  { default: {} },
);

/** Of all others zero would mean that nothing ever gets through. */
const mayBeZero: ReadonlySet<string> = new Set(["tcpIdleTimeout"]);

export function checkLimits(limits: ValueOf<typeof limitsSchema>): Issue[] {
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value !== "string") continue;
    const path = `spec.limits.${name}`;
    const timeoutMs = parseDurationMs(value) ?? 0;
    if (timeoutMs > maxTimeoutMs) issues.push({ path, message: "must not be longer than 168h" });
    if (timeoutMs === 0 && !mayBeZero.has(name)) issues.push({ path, message: "must be longer than 0s" });
  }
  return issues;
}
