/** A record as proxies of ours make it, whatever came: one that keeps to no bound must cost neither memory nor anybody's tap. */
import type { TapHeader, TapRecord } from "../../wire/index.ts";

const maxTextLength = 2_048;
const maxHeaders = 100;
const maxValueBytes = 4_096;
const maxTries = 32;
const maxBodyBytes = 65_536;
const maxPort = 65_535;

const texts = [
  ...(["proxy", "requestId", "traceId", "spanId", "parentSpanId", "protocol", "method", "scheme"] as const),
  ...(["sourceWorkload", "sourceIdentity", "destinationWorkload", "destinationIdentity"] as const),
  ...(["destinationService", "destinationVersion", "route", "rule", "authority", "path", "query"] as const),
  ...(["reason", "detail", "policy", "policyRule", "peerAddress"] as const),
] satisfies readonly (keyof TapRecord)[];

/** Changes it. */
export function boundRecord(record: TapRecord): void {
  delete record.$unknown;
  for (const name of texts) record[name] = cut(record[name]);
  record.requestHeaders = boundHeaders(record.requestHeaders);
  record.responseHeaders = boundHeaders(record.responseHeaders);
  record.requestBody = record.requestBody.subarray(0, maxBodyBytes);
  record.responseBody = record.responseBody.subarray(0, maxBodyBytes);
  if (record.destinationPort > maxPort) record.destinationPort = 0;
  record.tries = record.tries.slice(0, maxTries);
  for (const each of record.tries) {
    delete each.$unknown;
    each.address = cut(each.address);
    each.workload = cut(each.workload);
    each.outcome = cut(each.outcome);
  }
}

function boundHeaders(headers: readonly TapHeader[]): TapHeader[] {
  return headers.slice(0, maxHeaders).map(({ $typeName, name, value }) => ({
    $typeName,
    name: cut(name),
    value: value.subarray(0, maxValueBytes),
  }));
}

function cut(text: string): string {
  return text.length > maxTextLength ? text.slice(0, maxTextLength) : text;
}
