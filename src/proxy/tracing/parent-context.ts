/** What whoever called says of the trace that a request belongs to, as each format has it, read strictly. Pure. */

export interface ParentContext {
  /** 32 hexadecimal digits; empty: only a decision is told (B3). */
  readonly traceId: string;
  /** 16 hexadecimal digits; empty where `traceId` is. */
  readonly spanId: string;
  /** Undefined: it is left to us (B3). */
  readonly isSampled: boolean | undefined;
}

const zeroTrace = "0".repeat(32);
const zeroSpan = "0".repeat(16);

const traceparentLength = 55;
const dash = 0x2d;

/**
 * W3C Trace Context level 2: `{version}-{trace}-{span}-{flags}`. Of a later version the fields of this one are read; version
 * ff is none. Undefined: malformed. By positions: a regular expression with groups takes five times as long.
 */
export function parseTraceparent(text: string): ParentContext | undefined {
  const { length } = text;
  const hasForm =
    length >= traceparentLength &&
    text.charCodeAt(2) === dash &&
    text.charCodeAt(35) === dash &&
    text.charCodeAt(52) === dash &&
    isHex(text, 0, 2) &&
    isHex(text, 3, 35) &&
    isHex(text, 36, 52) &&
    isHex(text, 53, 55);
  if (!hasForm || text.startsWith("ff")) return undefined;
  // Only later versions may have more, behind another dash.
  if (length > traceparentLength && (text.startsWith("00") || text.charCodeAt(55) !== dash)) return undefined;
  const traceId = text.slice(3, 35);
  const spanId = text.slice(36, 52);
  if (traceId === zeroTrace || spanId === zeroSpan) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(text.slice(53, 55), 16) & 1) === 1 };
}

/** Lower case alone. */
function isHex(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if ((code < 0x30 || code > 0x39) && (code < 0x61 || code > 0x66)) return false;
  }
  return true;
}

export function formatTraceparent(traceId: string, spanId: string, isSampled: boolean): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}

const maxMembers = 32;
/** Of the whole field: the least that must be passed on. */
const maxStateLength = 512;
const member =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** `tracestate`: at most 32 members and 512 characters, no key twice. Empty members are allowed. */
export function isTracestate(text: string): boolean {
  if (text.length > maxStateLength) return false;
  const members = text
    .split(",")
    .map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((each) => each !== "");
  const keys = new Set(members.map((each) => each.slice(0, each.indexOf("="))));
  return (
    members.length <= maxMembers && keys.size === members.length && members.every((each) => member.test(each))
  );
}

const idForm = /^(?:[0-9a-f]{16}){1,2}$/;
const spanForm = /^[0-9a-f]{16}$/;

const b3Form =
  /^(?<trace>(?:[0-9a-f]{16}){1,2})-(?<span>[0-9a-f]{16})(?:-(?<state>[01d])(?:-[0-9a-f]{16})?)?$/;

/** The one field of B3: `{trace}-{span}[-{0|1|d}[-{parent}]]`, or the decision alone. Undefined: malformed. */
export function parseB3(text: string): ParentContext | undefined {
  if (text === "0" || text === "1" || text === "d") return decisionAlone(text !== "0");
  const groups = b3Form.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const { trace = "", span = "", state } = groups;
  return withIds(trace, span, state === undefined ? undefined : state !== "0");
}

export function formatB3(traceId: string, spanId: string, isSampled: boolean): string {
  return `${traceId}-${spanId}-${isSampled ? "1" : "0"}`;
}

export interface B3Fields {
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly sampled: string | undefined;
  readonly flags: string | undefined;
}

/** `X-B3-TraceId` and its fellows. Undefined: malformed, or nothing is said. */
export function parseB3Fields({ traceId, spanId, sampled, flags }: B3Fields): ParentContext | undefined {
  if (sampled !== undefined && !/^(?:[01]|true|false)$/.test(sampled)) return undefined;
  if (flags !== undefined && flags !== "0" && flags !== "1") return undefined;
  const said = sampled === undefined ? undefined : sampled === "1" || sampled === "true";
  const isSampled = flags === "1" ? true : said;
  if (traceId === undefined && spanId === undefined)
    return isSampled === undefined ? undefined : decisionAlone(isSampled);
  if (traceId === undefined || spanId === undefined) return undefined;
  if (!idForm.test(traceId) || !spanForm.test(spanId)) return undefined;
  return withIds(traceId, spanId, isSampled);
}

function decisionAlone(isSampled: boolean): ParentContext {
  return { traceId: "", spanId: "", isSampled };
}

/** Ids of 64 bits are the lower half of one of 128. */
function withIds(trace: string, span: string, isSampled: boolean | undefined): ParentContext | undefined {
  const traceId = trace.padStart(32, "0");
  if (traceId === zeroTrace || span === zeroSpan) return undefined;
  return { traceId, spanId: span, isSampled };
}
