/** `grpc-timeout`: how long the caller waits (gRPC's PROTOCOL-HTTP2.md, "Requests"). Exact to the millisecond, rounded up. */

const unitsNs: Readonly<Record<string, number>> = { H: 3.6e12, M: 6e10, S: 1e9, m: 1e6, u: 1e3, n: 1 };
const nsPerMs = 1e6;
const maxDigits = 8;
/** The least value that no longer fits in milliseconds. */
const firstInSecondsMs = 10 ** maxDigits;

/**
 * In ms; undefined where the text is none. Zero is read although the document asks for a positive number: clients send it
 * for a deadline that has already passed.
 */
export function parseGrpcTimeout(text: string): number | undefined {
  const digits = text.length - 1;
  const unitNs = unitsNs[text.charAt(digits)];
  if (unitNs === undefined || digits < 1 || digits > maxDigits) return undefined;
  let value = 0;
  for (let i = 0; i < digits; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  // A fraction of the unit would not be exact in binary.
  return unitNs < nsPerMs ? Math.ceil(value / (nsPerMs / unitNs)) : value * (unitNs / nsPerMs);
}

/** At least 1 ms, at most 99,999,999 s; a peer that is given a little more than there is left is cut by whoever set the limit. */
export function encodeGrpcTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  if (whole < firstInSecondsMs) return `${whole}m`;
  return `${Math.min(Math.ceil(whole / 1000), firstInSecondsMs - 1)}S`;
}
