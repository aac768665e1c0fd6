/**
 * One line of the access log as JSON, straight from what ended. Never holds a body, and of headers and query only what is
 * named here. docs/reference/access-log.md lists the fields (`json-fields.ts`).
 */
import { RequestHead } from "../../http1/index.ts";
import type { PreparedRedaction } from "../../decide/telemetry/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";
import { edgeFragment } from "./edge-fragment.ts";
import type { LineFrame } from "./line-frame.ts";
import { jsonText } from "./quote.ts";

/**
 * `added`: encoded fields of policies, each with a comma before it. A line is joined from flat pieces: put together by `+`, it
 * would be a rope of sixty parts, which costs twice as much to write out.
 */
export function encodeHttpLine(outcome: HttpOutcome, frame: LineFrame, added: string): string {
  const { head, tries, times, grpcStatus } = outcome;
  const line = ['{"time":"', frame.time, '"', edgeFragment(outcome.edge.labels)];
  if (outcome.rule !== "") text(line, ',"rule":"', outcome.rule);
  text(line, ',"request_id":"', outcome.requestId);
  if (head === undefined) line.push(',"method":"","authority":"","path":""');
  else addRequest(line, head, { scheme: outcome.scheme, redaction: frame.settings?.redaction });
  line.push(',"status":', String(outcome.status));
  if (grpcStatus !== undefined) line.push(',"grpc_status":', String(grpcStatus));
  addDecision(line, outcome, tries?.fault?.describe(outcome.detail) ?? outcome.detail);
  text(line, ',"peer":"', outcome.peerAddress);
  text(line, ',"upstream":"', tries?.place ?? "");
  addMeasures(line, outcome, tries?.count ?? 0);
  if (times.admittedUs > 0) number(line, ',"admitted_us":', times.admittedUs - times.startUs);
  if (times.firstByteUs > 0) number(line, ',"first_byte_us":', times.firstByteUs - times.startUs);
  return finish(line, frame, added);
}

export function encodeTcpLine(outcome: TcpOutcome, frame: LineFrame, added: string): string {
  const line = ['{"time":"', frame.time, '"', edgeFragment(outcome.edge.labels)];
  if (outcome.requestId !== "") text(line, ',"request_id":"', outcome.requestId);
  addDecision(line, outcome, outcome.detail);
  text(line, ',"peer":"', outcome.peerAddress);
  text(line, ',"upstream":"', outcome.upstreamAddress);
  addMeasures(line, outcome, outcome.attempts);
  return finish(line, frame, added);
}

function addRequest(
  line: string[],
  head: HttpRequest,
  { scheme, redaction }: { readonly scheme: string; readonly redaction: PreparedRedaction | undefined },
): void {
  const { path } = head;
  text(line, ',"method":"', head.method);
  line.push(',"scheme":"', scheme, '"');
  text(line, ',"authority":"', head.authority);
  text(line, ',"path":"', redaction === undefined ? path : redaction.path(path));
  const query = redaction === undefined ? undefined : toldQuery(head, redaction);
  if (query !== undefined) text(line, ',"query":"', query);
  line.push(',"http_version":"', httpVersion(head), '"');
  if (redaction?.hidesHeader("user-agent") === true) return;
  const userAgent = head.get("user-agent");
  if (userAgent !== undefined && userAgent !== "") text(line, ',"user_agent":"', userAgent);
}

/** Undefined: there is none, or nothing of it is told. */
export function toldQuery(head: HttpRequest, redaction: PreparedRedaction): string | undefined {
  const { query } = head;
  return query === "" ? undefined : redaction.query(query);
}

export function httpVersion(head: HttpRequest): "1.0" | "1.1" | "2" {
  if (!(head instanceof RequestHead)) return "2";
  return head.versionMinor === 0 ? "1.0" : "1.1";
}

function addDecision(line: string[], outcome: HttpOutcome | TcpOutcome, detail: string): void {
  const { reason, policy, traceId } = outcome;
  if (reason !== undefined) line.push(',"reason":"', reason, '"');
  if (policy !== undefined) {
    if (policy.policy !== "") text(line, ',"policy":"', policy.policy);
    if (policy.policyRule !== "") text(line, ',"policy_rule":"', policy.policyRule);
    if (policy.policyVerdict !== "") text(line, ',"policy_verdict":"', policy.policyVerdict);
  }
  if (detail !== "") text(line, ',"detail":"', detail);
  if (traceId !== undefined)
    line.push(',"trace_id":"', traceId, '","span_id":"', outcome.trace?.spanId ?? "", '"');
}

function addMeasures(line: string[], outcome: HttpOutcome | TcpOutcome, attempts: number): void {
  line.push(',"attempts":', String(attempts), ',"request_bytes":', String(outcome.requestBytes));
  line.push(',"response_bytes":', String(outcome.responseBytes));
  number(line, ',"duration_us":', outcome.durationUs);
}

function finish(line: string[], { revision }: LineFrame, added: string): string {
  line.push(',"revision":', String(revision), added, "}\n");
  return line.join("");
}

/** `name` with everything up to the value, its quotation mark too. */
function text(line: string[], name: string, value: string): void {
  line.push(name, jsonText(value), '"');
}

function number(line: string[], name: string, value: number): void {
  line.push(name, String(Math.round(value)));
}
