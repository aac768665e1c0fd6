/** Requests of which it is known beforehand how many of each there are, and how long each takes at its server. */

export interface PlannedRequest {
  /** "GET 404" */
  readonly kind: string;
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** Of a hundred. */
const shares: readonly (readonly [method: "GET" | "POST", status: number, share: number])[] = [
  ["GET", 200, 70],
  ["POST", 200, 15],
  ["GET", 404, 7],
  ["POST", 404, 3],
  ["GET", 500, 4],
  ["POST", 500, 1],
];
const kinds = shares.flatMap(([method, status, share]) =>
  Array.from({ length: share }, () => ({ method, status })),
);

/** No two of these have a common divisor with what they are taken modulo, nor these with each other: kinds and times are independent. */
const kindStride = 37;
const msStride = 17;
const minMs = 20;
const msSpan = 41;

/** The `index`th request: its server answers after 20 to 60 ms. */
export function planned(index: number, host: string): PlannedRequest {
  const kind = kinds[(index * kindStride) % kinds.length];
  if (kind === undefined) throw new Error("the shares do not add up");
  const { method, status } = kind;
  const ms = minMs + ((index * msStride) % msSpan);
  const body = method === "POST" ? "b".repeat(100 + (index % 900)) : "";
  const length = method === "POST" ? `content-length: ${body.length}\r\n` : "";
  const head = `${method} /echo?ms=${ms}&status=${status} HTTP/1.1\r\nhost: ${host}\r\n${length}\r\n`;
  return { kind: `${method} ${status}`, status, bytes: new TextEncoder().encode(head + body) };
}

/** How many of each kind the first `count` are. */
export function plannedCounts(count: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const kind = kinds[(i * kindStride) % kinds.length];
    const name = `${kind?.method} ${kind?.status}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
