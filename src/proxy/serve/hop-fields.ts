/**
 * What proxies of one mesh tell each other beside a request and its answer. None of it is believed of anybody else, and none
 * of it leaves the mesh.
 *
 *   request   weft-try: attempt=1, timeout=1500    the try's number behind the first; what is left of the time, in ms
 *   answer    weft-unprocessed: <reason>           no application has looked at the request
 *             weft-failed: <reason>                the answer is the proxy's: its application failed like this
 *             weft-denied: <reason>                a policy of the proxy's said no
 *             weft-no-retry: 1                     it was tried often enough behind here, or there is too much to do
 *
 * An application gets `weft-try` too and may hand it on with the requests that it makes for this one: its own proxy takes
 * what it says for them, which can only shorten times and forbid retries.
 */
import { encodeGrpcTimeout } from "../../grpc/index.ts";
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { HttpRequest, HttpResponse } from "../http/index.ts";
import { latin1Line } from "./exchange-heads.ts";

const tryHeader = "weft-try";
export const unprocessedHeader = "weft-unprocessed";
export const failedHeader = "weft-failed";
const deniedHeader = "weft-denied";
export const noRetryHeader = "weft-no-retry";

export interface TryField {
  /** Tries of the request, or of the one that it serves, that were made before. */
  readonly attempt: number;
  /** 0: none is said. */
  readonly timeoutMs: number;
}

/** What somebody says who is not believed. */
const untrustedTry: TryField = { attempt: 0, timeoutMs: 0 };

/** Nine digits: eleven days, and no number that is not exact. */
const member = /^[ \t]*(?<key>attempt|timeout)=(?<value>[0-9]{1,9})[ \t]*$/;

/** Whatever it does not know is left aside. */
function parseTry(text: string): TryField {
  let attempt = 0;
  let timeoutMs = 0;
  for (const part of text.split(",", 8)) {
    const groups = member.exec(part)?.groups;
    if (groups === undefined) continue;
    const value = Number(groups["value"]);
    if (groups["key"] === "attempt") attempt = value;
    else timeoutMs = value;
  }
  return { attempt, timeoutMs };
}

/** Undefined: there is nothing to say. */
function tryLine({ attempt, timeoutMs }: TryField): HeaderLine | undefined {
  if (attempt === 0 && timeoutMs === 0) return undefined;
  const parts: string[] = [];
  if (attempt > 0) parts.push(`attempt=${attempt}`);
  if (timeoutMs > 0) parts.push(`timeout=${Math.max(1, Math.ceil(timeoutMs))}`);
  return latin1Line(tryHeader, parts.join(", "));
}

/** What the next proxy, or the application, is told of a try: of a first one without a deadline, nothing. `remainingMs`: Infinity where there is no bound. False: nothing. */
export function addTryLines(
  lines: HeaderLine[],
  said: TryField | undefined,
  place: {
    readonly isInbound: boolean;
    readonly isTunnelled: boolean;
    readonly isGrpc: boolean;
    readonly remainingMs: number;
    readonly retries: number;
  },
): boolean {
  const { isInbound, isGrpc, remainingMs } = place;
  const isBounded = remainingMs !== Number.POSITIVE_INFINITY;
  if (isBounded && isGrpc) lines.push(latin1Line("grpc-timeout", encodeGrpcTimeout(remainingMs)));
  if (!isInbound && !place.isTunnelled) return false;
  // What this proxy itself tries again was never seen by its application.
  const attempt = (said?.attempt ?? 0) + (isInbound ? 0 : place.retries);
  const line = tryLine({ attempt, timeoutMs: isBounded && !isGrpc ? Math.max(1, remainingMs) : 0 });
  if (line !== undefined) lines.push(line);
  return line !== undefined;
}

export function withoutTry(edits: HeadEdits | undefined): HeadEdits {
  return { set: edits?.set ?? [], add: edits?.add ?? [], remove: [...(edits?.remove ?? []), tryHeader] };
}

/** The calling proxy has the same deadline, and knows more of the request than its peer: it gets to say first that time is up. */
export const peerGraceMs = 50;

/** For programs that retry by themselves (gRPC's libraries do): this proxy has done so. */
export const pushbackLine = latin1Line("grpc-retry-pushback-ms", "-1");

const noRetryLine = latin1Line(noRetryHeader, "1");
const answerHeaders = [unprocessedHeader, failedHeader, deniedHeader, noRetryHeader];

/** What a policy says no with. */
const denials: ReadonlySet<ReasonCode> = new Set([
  "jwt_missing",
  "jwt_invalid",
  "authorization_denied",
  "external_denied",
  "external_unavailable",
  "rate_limited",
]);

/** Undefined where it is no policy's word: the calling proxy is told nothing then. */
export function denialLine(reason: ReasonCode): HeaderLine | undefined {
  return denials.has(reason) ? latin1Line(deniedHeader, reason) : undefined;
}

/** Why the peer's proxy said no, for log and metric of the caller's; the caller itself learns nothing of it. */
export function readDenial(head: HttpResponse): ReasonCode | undefined {
  const reason = head.get(deniedHeader);
  return reason !== undefined && isReasonCode(reason) && denials.has(reason) ? reason : undefined;
}

/** Of an answer that is passed on: without what proxies say, which no application may say for them. */
export function passedEdits(
  edits: HeadEdits | undefined,
  head: HttpResponse,
  forbidsRetry: boolean,
): HeadEdits | undefined {
  const said = answerHeaders.some((name) => head.get(name) !== undefined);
  if (!said && !forbidsRetry) return edits;
  const set = edits?.set ?? [];
  return {
    set: forbidsRetry ? [...set, noRetryLine] : set,
    add: edits?.add ?? [],
    remove: said ? [...(edits?.remove ?? []), ...answerHeaders] : (edits?.remove ?? []),
  };
}

/** What the calling proxy is told of this proxy's own answer. `isRetry`: the caller has tried elsewhere already. */
export function refusalLines(reason: ReasonCode, isRetry: boolean): HeaderLine[] {
  if (!reasons[reason].isUnprocessed) return [latin1Line(failedHeader, reason)];
  const line = latin1Line(unprocessedHeader, reason);
  return isRetry && isOverload(reason) ? [line, noRetryLine] : [line];
}

/** There is too much to do: to ask elsewhere is fair, to ask more is not. */
export function isOverload(reason: ReasonCode): boolean {
  return reason === "overloaded" || reason === "pool_exhausted";
}

/** The reason code in a peer's `weft-unprocessed`; a code that this version does not know still means unprocessed. */
export function parseUnprocessed(value: string): ReasonCode {
  return isReasonCode(value) && reasons[value].isUnprocessed ? value : "application_unreachable";
}

function isReasonCode(value: string): value is ReasonCode {
  return Object.hasOwn(reasons, value);
}

/** Undefined where the request says nothing. `isTrusted`: it comes from a peer or from the own application. */
export function readTry(head: HttpRequest, isTrusted: boolean): TryField | undefined {
  const said = head.get(tryHeader);
  if (said === undefined) return undefined;
  return isTrusted ? parseTry(said) : untrustedTry;
}
