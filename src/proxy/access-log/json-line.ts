/**
 * One line of the access log as JSON, straight from what ended. Never holds a body, and of headers and query only what is
 * named here. docs/reference/access-log.md lists the fields (`json-fields.ts`).
 */
import { RequestHead } from "../../http1/index.ts";
import type { PreparedRedaction } from "../../decide/telemetry/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";
import { edgeFragment } from "./edge-fragment.ts";
import type { LineBuffer } from "./line-buffer.ts";
import type { LineFrame } from "./line-frame.ts";

/** `added`: encoded fields of policies, each with a comma before it. */
export function writeHttpLine(line: LineBuffer, outcome: HttpOutcome, frame: LineFrame, added: string): void {
  const { head, tries, times, grpcStatus, rule } = outcome;
  start(line, outcome, frame);
  if (rule !== "") line.ascii(',"rule":"').json(rule).ascii('"');
  line.ascii(',"request_id":"').json(outcome.requestId);
  if (head === undefined) line.ascii('","method":"","authority":"","path":""');
  else addRequest(line, head, { scheme: outcome.scheme, redaction: frame.settings?.redaction });
  line.ascii(',"status":').number(outcome.status);
  if (grpcStatus !== undefined) line.ascii(',"grpc_status":').number(grpcStatus);
  addDecision(line, outcome, tries?.fault?.describe(outcome.detail) ?? outcome.detail);
  line.ascii(',"peer":"').json(outcome.peerAddress);
  line.ascii('","upstream":"').json(tries?.place ?? "");
  addMeasures(line, outcome, tries?.count ?? 0);
  if (times.admittedUs > 0)
    line.ascii(',"admitted_us":').number(Math.round(times.admittedUs - times.startUs));
  if (times.firstByteUs > 0)
    line.ascii(',"first_byte_us":').number(Math.round(times.firstByteUs - times.startUs));
  finish(line, frame, added);
}

export function writeTcpLine(line: LineBuffer, outcome: TcpOutcome, frame: LineFrame, added: string): void {
  start(line, outcome, frame);
  if (outcome.requestId !== "") line.ascii(',"request_id":"').json(outcome.requestId).ascii('"');
  addDecision(line, outcome, outcome.detail);
  line.ascii(',"peer":"').json(outcome.peerAddress);
  line.ascii('","upstream":"').json(outcome.upstreamAddress);
  addMeasures(line, outcome, outcome.attempts);
  finish(line, frame, added);
}

function start(line: LineBuffer, { edge }: HttpOutcome | TcpOutcome, { time }: LineFrame): void {
  line.ascii('{"time":"').ascii(time).copy(edgeFragment(edge.labels));
}

const authorityName = '","authority":"';
/** One piece where it is mostly so. */
const mostAsked = `","method":"GET","scheme":"http${authorityName}`;

/** From the quotation mark on that ends what stands before it. */
function addRequest(
  line: LineBuffer,
  head: HttpRequest,
  { scheme, redaction }: { readonly scheme: string; readonly redaction: PreparedRedaction | undefined },
): void {
  const { path } = head;
  if (head.method === "GET" && scheme === "http") line.ascii(mostAsked);
  else line.ascii('","method":"').json(head.method).ascii('","scheme":"').ascii(scheme).ascii(authorityName);
  if (head instanceof RequestHead) line.jsonBytes(head.bytes, head.hostStart, head.hostEnd);
  else line.json(head.authority);
  line.ascii('","path":"').json(redaction === undefined ? path : redaction.path(path));
  const query = redaction === undefined ? undefined : toldQuery(head, redaction);
  if (query !== undefined) line.ascii('","query":"').json(query);
  line.ascii('","http_version":"').ascii(httpVersion(head));
  const userAgent = redaction?.hidesHeader("user-agent") === true ? undefined : head.get("user-agent");
  if (userAgent !== undefined && userAgent !== "") line.ascii('","user_agent":"').json(userAgent);
  line.ascii('"');
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

function addDecision(line: LineBuffer, outcome: HttpOutcome | TcpOutcome, detail: string): void {
  const { reason, policy, traceId } = outcome;
  if (reason !== undefined) line.ascii(',"reason":"').ascii(reason).ascii('"');
  if (policy !== undefined) {
    if (policy.policy !== "") line.ascii(',"policy":"').json(policy.policy).ascii('"');
    if (policy.policyRule !== "") line.ascii(',"policy_rule":"').json(policy.policyRule).ascii('"');
    if (policy.policyVerdict !== "") line.ascii(',"policy_verdict":"').json(policy.policyVerdict).ascii('"');
  }
  if (detail !== "") line.ascii(',"detail":"').json(detail).ascii('"');
  if (traceId === undefined) return;
  line.ascii(',"trace_id":"').ascii(traceId);
  line
    .ascii('","span_id":"')
    .ascii(outcome.trace?.spanId ?? "")
    .ascii('"');
}

/** From the quotation mark on that ends what stands before it. */
function addMeasures(line: LineBuffer, outcome: HttpOutcome | TcpOutcome, attempts: number): void {
  line.ascii('","attempts":').number(attempts);
  line.ascii(',"request_bytes":').number(outcome.requestBytes);
  line.ascii(',"response_bytes":').number(outcome.responseBytes);
  line.ascii(',"duration_us":').number(Math.round(outcome.durationUs));
}

function finish(line: LineBuffer, { revision }: LineFrame, added: string): void {
  line.ascii(',"revision":').number(revision);
  if (added !== "") line.utf8(added);
  line.ascii("}\n");
}
