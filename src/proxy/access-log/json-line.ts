/**
 * One line of the access log as JSON. Never holds a body, a query string or a header beyond the ones named here: those
 * carry secrets. Whatever a peer chose is escaped, so a line is always one line.
 */
import type { EdgeLabels } from "../telemetry/index.ts";

export interface AccessRecord {
  readonly timeMs: number;
  readonly edge: EdgeLabels;
  /** Name of the route's rule, or its place ("rules[2]"); empty: none. */
  readonly rule: string;
  /** Empty for TCP. */
  readonly requestId: string;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly userAgent: string;
  /** 0 for TCP. */
  readonly status: number;
  /** Reason code; empty where all went well. */
  readonly reason: string;
  /** "AuthorizationPolicy namespace/name" that decided, and its rule; absent or empty: none. */
  readonly policy?: string;
  readonly policyRule?: string;
  readonly policyVerdict?: string;
  /** What is known beyond the reason code; for the operator only. */
  readonly detail: string;
  readonly peerAddress: string;
  readonly upstreamAddress: string;
  readonly attempts: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationUs: number;
  /** Revision of the configuration that decided. */
  readonly revision: number;
}

/** Longer texts of a peer are cut: a line stays a line that log shippers take. */
const maxTextLength = 2_048;

/** The part of the line that is the same for all requests of an edge, encoded once. */
const edgeFragments = new WeakMap<EdgeLabels, string>();

export function encodeAccessLine(record: AccessRecord): string {
  const edge = record.edge;
  let line = `{"time":"${new Date(record.timeMs).toISOString()}"${fragmentOf(edge)}`;
  if (record.rule !== "") line += `,"rule":${quote(record.rule)}`;
  if (edge.protocol === "http") {
    line +=
      `,"request_id":${quote(record.requestId)},"method":${quote(record.method)}` +
      `,"authority":${quote(record.authority)},"path":${quote(record.path)},"status":${record.status}`;
    if (record.userAgent !== "") line += `,"user_agent":${quote(record.userAgent)}`;
  } else if (record.requestId !== "") line += `,"request_id":${quote(record.requestId)}`;
  if (record.reason !== "") line += `,"reason":${quote(record.reason)}`;
  if (record.policy) line += `,"policy":${quote(record.policy)}`;
  if (record.policyRule) line += `,"policy_rule":${quote(record.policyRule)}`;
  if (record.policyVerdict) line += `,"policy_verdict":"${record.policyVerdict}"`;
  if (record.detail !== "") line += `,"detail":${quote(record.detail)}`;
  return (
    `${line},"peer":${quote(record.peerAddress)},"upstream":${quote(record.upstreamAddress)}` +
    `,"attempts":${record.attempts},"request_bytes":${record.requestBytes},"response_bytes":${record.responseBytes}` +
    `,"duration_us":${Math.round(record.durationUs)},"revision":${record.revision}}\n`
  );
}

function fragmentOf(edge: EdgeLabels): string {
  const known = edgeFragments.get(edge);
  if (known !== undefined) return known;
  const fragment =
    `,"direction":${quote(edge.direction)},"protocol":${quote(edge.protocol)}` +
    `,"source_workload":${quote(edge.sourceWorkload)},"source_identity":${quote(edge.sourceIdentity)}` +
    `,"destination_workload":${quote(edge.destinationWorkload)},"destination_identity":${quote(edge.destinationIdentity)}` +
    `,"destination_service":${quote(edge.destinationService)},"destination_port":${edge.destinationPort}` +
    `,"destination_version":${quote(edge.destinationVersion)},"route":${quote(edge.route)},"mtls":${edge.mtls}`;
  edgeFragments.set(edge, fragment);
  return fragment;
}

function quote(text: string): string {
  return JSON.stringify(text.length > maxTextLength ? text.slice(0, maxTextLength) : text);
}
