/** Records of the tap as the page keeps them: protobuf's JSON with its defaults filled in. Whatever a peer chose is text here. */
interface TapTry {
  readonly address: string;
  readonly workload: string;
  readonly startUs: number;
  readonly connectedUs: number;
  readonly firstByteUs: number;
  readonly endUs: number;
  readonly outcome: string;
}

export interface TapHeader {
  readonly name: string;
  readonly value: string;
}

export interface TapRecord {
  readonly direction: "inbound" | "outbound";
  readonly proxy: string;
  readonly requestId: string;
  readonly traceId: string;
  readonly startUs: number;
  readonly sourceWorkload: string;
  readonly sourceIdentity: string;
  readonly destinationWorkload: string;
  readonly destinationService: string;
  readonly destinationPort: number;
  readonly destinationVersion: string;
  readonly route: string;
  readonly rule: string;
  readonly isMutualTls: boolean;
  readonly protocol: string;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  /** -1: no gRPC. */
  readonly grpcStatus: number;
  readonly reason: string;
  readonly detail: string;
  readonly policy: string;
  readonly requestHeaders: readonly TapHeader[];
  readonly responseHeaders: readonly TapHeader[];
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly admittedUs: number;
  readonly firstByteUs: number;
  readonly endUs: number;
  readonly tries: readonly TapTry[];
  readonly revision: number;
}

/** What a page shows of one value; the proxies cut earlier. */
const maxText = 2_048;
const maxHeaders = 100;
const maxTries = 20;

/** Undefined: not a record. */
export function readTapRecord(value: unknown): TapRecord | undefined {
  if (!isObject(value)) return undefined;
  const record = reader(value);
  const grpc = record.number("grpcStatus");
  return {
    direction:
      record.text("direction").toLowerCase().includes("outbound") || value["direction"] === 2
        ? "outbound"
        : "inbound",
    proxy: record.text("proxy"),
    requestId: record.text("requestId"),
    traceId: record.text("traceId"),
    startUs: record.number("startUnixUs"),
    sourceWorkload: record.text("sourceWorkload"),
    sourceIdentity: record.text("sourceIdentity"),
    destinationWorkload: record.text("destinationWorkload"),
    destinationService: record.text("destinationService"),
    destinationPort: record.number("destinationPort"),
    destinationVersion: record.text("destinationVersion"),
    route: record.text("route"),
    rule: record.text("rule"),
    isMutualTls: value["mtls"] === true,
    protocol: record.text("protocol"),
    method: record.text("method"),
    authority: record.text("authority"),
    path: record.text("path"),
    query: record.text("query"),
    status: record.number("status"),
    // Counted from 1 on the wire, so that 0 means none.
    grpcStatus: grpc - 1,
    reason: record.text("reason"),
    detail: record.text("detail"),
    policy: record.text("policy"),
    requestHeaders: record.list("requestHeaders", maxHeaders, readHeader),
    responseHeaders: record.list("responseHeaders", maxHeaders, readHeader),
    requestBytes: record.number("requestBytes"),
    responseBytes: record.number("responseBytes"),
    admittedUs: record.number("admittedUs"),
    firstByteUs: record.number("firstByteUs"),
    endUs: record.number("endUs"),
    tries: record.list("tries", maxTries, readTry),
    revision: record.number("revision"),
  };
}

export function isFailed({ status, reason, grpcStatus }: TapRecord): boolean {
  // Of a server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS.
  return status >= 500 || reason !== "" || [2, 4, 12, 13, 14, 15].includes(grpcStatus);
}

export function statusText({ status, grpcStatus, reason }: TapRecord): string {
  if (reason !== "" && status === 0) return reason;
  if (grpcStatus >= 0) return `gRPC ${grpcStatus}`;
  return status === 0 ? "–" : String(status);
}

function readTry(value: unknown): TapTry | undefined {
  if (!isObject(value)) return undefined;
  const { text, number } = reader(value);
  return {
    address: text("address"),
    workload: text("workload"),
    startUs: number("startUs"),
    connectedUs: number("connectedUs"),
    firstByteUs: number("firstByteUs"),
    endUs: number("endUs"),
    outcome: text("outcome"),
  };
}

function readHeader(value: unknown): TapHeader | undefined {
  if (!isObject(value)) return undefined;
  const { text } = reader(value);
  return { name: text("name"), value: decodeBytes(text("value")) };
}

/** Protobuf's JSON has bytes in base64. */
function decodeBytes(base64: string): string {
  try {
    const bytes = Uint8Array.from(
      atob(base64.replaceAll("-", "+").replaceAll("_", "/")),
      (each) => each.codePointAt(0) ?? 0,
    );
    return new TextDecoder().decode(bytes);
  } catch {
    return base64;
  }
}

function reader(value: Readonly<Record<string, unknown>>) {
  return {
    text: (name: string): string => {
      const each = value[name];
      return typeof each === "string" ? each.slice(0, maxText) : "";
    },
    /** 64-bit ones are strings in protobuf's JSON. */
    number: (name: string): number => {
      const each = Number(value[name] ?? 0);
      return Number.isFinite(each) ? each : 0;
    },
    list: <T>(name: string, most: number, read: (each: unknown) => T | undefined): T[] => {
      const each = value[name];
      return Array.isArray(each) ? each.slice(0, most).flatMap((item: unknown) => read(item) ?? []) : [];
    },
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
