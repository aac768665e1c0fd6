/** Lines of access logs as proxies write them, read back: whose they are, and the same exchange as a tap would tell it. */
import type { TapRecordView } from "../api/index.ts";

export interface AccessLine {
  readonly timeMs: number;
  /** As it stands in the log. */
  readonly text: string;
  /** "namespace/name" of the workload whose proxy wrote it. */
  readonly own: string;
  /** Of the service that was reached there; empty: none, or it was left by the workload. */
  readonly ownService: string;
  readonly record: TapRecordView;
}

/** Undefined: a line of the proxy's own log, or anything else. */
export function parseAccessLine(text: string): AccessLine | undefined {
  if (!text.startsWith('{"time":"')) return undefined;
  const fields = parse(text);
  const time = Date.parse(word(fields, "time"));
  const direction = word(fields, "direction");
  if (Number.isNaN(time) || (direction !== "inbound" && direction !== "outbound")) return undefined;
  const isInbound = direction === "inbound";
  return {
    timeMs: time,
    text,
    own: word(fields, isInbound ? "destination_workload" : "source_workload"),
    ownService: isInbound ? word(fields, "destination_service") : "",
    record: recordOf(fields, time, isInbound),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function recordOf(fields: Fields, endMs: number, isInbound: boolean): TapRecordView {
  const durationUs = number(fields, "duration_us");
  const attempts = Math.min(number(fields, "attempts"), 100);
  return {
    direction: isInbound ? "DIRECTION_INBOUND" : "DIRECTION_OUTBOUND",
    protocol: word(fields, "protocol") === "tcp" ? "tcp" : "HTTP",
    startUnixUs: String(Math.round(endMs * 1_000 - durationUs)),
    endUs: String(durationUs),
    sourceWorkload: word(fields, "source_workload"),
    destinationWorkload: word(fields, "destination_workload"),
    destinationService: word(fields, "destination_service"),
    destinationPort: number(fields, "destination_port"),
    ...(word(fields, "route") === "" ? {} : { route: word(fields, "route"), rule: word(fields, "rule") }),
    mtls: fields["mtls"] === true,
    method: word(fields, "method"),
    authority: word(fields, "authority"),
    path: word(fields, "path"),
    status: number(fields, "status"),
    reason: word(fields, "reason"),
    policy: word(fields, "policy"),
    detail: word(fields, "detail"),
    requestId: word(fields, "request_id"),
    peerAddress: word(fields, "peer"),
    requestBytes: String(number(fields, "request_bytes")),
    responseBytes: String(number(fields, "response_bytes")),
    tries: Array.from({ length: attempts }, () => ({ address: word(fields, "upstream") })),
  };
}

function parse(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
  } catch {
    return {};
  }
}

function word(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
