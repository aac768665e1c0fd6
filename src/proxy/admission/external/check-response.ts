/** What a service answered in envoy.service.auth.v3, as a verdict. */
import { fromBinary } from "@bufbuild/protobuf";
import type { HeaderLine } from "../../../http1/index.ts";
import {
  type CheckResponse,
  CheckResponseSchema,
  type DeniedHttpResponse,
  type HeaderValueOption,
  type OkHttpResponse,
} from "../../../wire/external-authorization/index.ts";
import { maxAnswerFields } from "./bounds.ts";
import { fieldTextOf, isField, isFieldName, isReservedField, lineOf } from "./answer-fields.ts";
import { type AnswerEdit, deniedAnswer, type RequestEdit, type Verdict } from "./verdict.ts";

/** envoy.config.core.v3.HeaderValueOption.HeaderAppendAction, by number. */
const actions = ["set", "set_if_absent", "set", "set_if_present"] as const;

export function decodeCheckResponse(bytes: Uint8Array): Verdict {
  let response: CheckResponse;
  try {
    response = parse(bytes);
  } catch {
    return { kind: "unanswered", outcome: "failed", detail: "the answer is no CheckResponse" };
  }
  const { status, httpResponse } = response;
  // An empty message would mean yes, were it not that half an answer looks like that too.
  if (status === undefined) {
    return { kind: "unanswered", outcome: "failed", detail: "the answer has no status" };
  }
  if (httpResponse.case === "errorResponse") {
    return { kind: "unanswered", outcome: "failed", detail: "the service says that it failed" };
  }
  if (status.code === 0) {
    if (httpResponse.case === "deniedResponse") return unusable("it says OK and denies");
    return httpResponse.case === "okResponse" ? granted(httpResponse.value) : allowedAsItIs;
  }
  const denied = httpResponse.case === "deniedResponse" ? httpResponse.value : undefined;
  return refused(denied, status.code);
}

const allowedAsItIs: Verdict = { kind: "allowed", edits: { request: [], removed: [], answer: [] } };

function parse(bytes: Uint8Array): CheckResponse {
  return fromBinary(CheckResponseSchema, bytes, { readUnknownFields: false });
}

function granted(ok: OkHttpResponse): Verdict {
  // To go on with parameters that were to be taken away would be more than was granted.
  if (ok.queryParametersToSet.length > 0 || ok.queryParametersToRemove.length > 0) {
    return unusable("it edits the query, which is not supported");
  }
  const count = ok.headers.length + ok.headersToRemove.length + ok.responseHeadersToAdd.length;
  if (count > maxAnswerFields) return unusable(`it has more than ${maxAnswerFields} fields`);
  const request: RequestEdit[] = [];
  const removed: string[] = [];
  const answer: AnswerEdit[] = [];
  for (const option of ok.headers) {
    const field = fieldOf(option);
    const action = option.append === undefined ? actions[option.appendAction] : appended(option);
    if (field === undefined || action === undefined) return unusable(noField(option));
    if (!isReservedField(field.nameLower)) request.push({ action, ...field });
  }
  for (const name of ok.headersToRemove) {
    const nameLower = name.toLowerCase();
    if (isReservedField(nameLower)) continue;
    if (!isFieldName(nameLower)) return unusable("it removes a field whose name is none");
    removed.push(nameLower);
  }
  for (const option of ok.responseHeadersToAdd) {
    const field = fieldOf(option);
    const action = option.append === undefined ? addedTo(option.appendAction) : appended(option);
    if (field === undefined || action === undefined) return unusable(noField(option));
    if (isReservedField(field.nameLower)) continue;
    answer.push({ action, line: lineOf(field.nameLower, field.value) });
  }
  return { kind: "allowed", edits: { request, removed, answer } };
}

/** The service said no, whatever else is wrong with what it said. */
function refused(denied: DeniedHttpResponse | undefined, code: number): Verdict {
  const detail = `the service said no with gRPC code ${code}`;
  const said = denied?.status?.code ?? 0;
  const status = said >= 200 && said <= 599 ? said : 403;
  const fields = denied === undefined || denied.headers.length > maxAnswerFields ? [] : denied.headers;
  const lines: HeaderLine[] = [];
  for (const option of fields) {
    const field = fieldOf(option);
    if (field === undefined || isReservedField(field.nameLower)) continue;
    lines.push(lineOf(field.nameLower, field.value));
  }
  const body = denied === undefined || denied.body === "" ? undefined : Buffer.from(denied.body, "utf8");
  if (body !== undefined && !lines.some(({ nameLower }) => nameLower === "content-type")) {
    lines.push(lineOf("content-type", "text/plain"));
  }
  return { kind: "denied", detail, answer: deniedAnswer(status, lines, body) };
}

/** Undefined: it could not stand in a message. */
function fieldOf({ header }: HeaderValueOption): { nameLower: string; value: string } | undefined {
  if (header === undefined) return undefined;
  const nameLower = header.key.toLowerCase();
  const isRaw = header.value === "" && header.rawValue.length > 0;
  const text = isRaw ? Buffer.from(header.rawValue).toString("latin1") : fieldTextOf(header.value);
  // Space around a value is no part of it; an end of line is never taken for space.
  const value = text.replace(/^[ \t]+|[ \t]+$/g, "");
  if (nameLower.startsWith(":")) return { nameLower, value };
  return isField(nameLower, value) ? { nameLower, value } : undefined;
}

function appended({ append }: HeaderValueOption): "add" | "set" {
  return append?.value === true ? "add" : "set";
}

/** Whether the application answers with a field is not known yet, so what depends on that is not supported. */
function addedTo(appendAction: number): "add" | "set" | undefined {
  return appendAction === 0 ? "add" : appendAction === 2 ? "set" : undefined;
}

function noField({ header }: HeaderValueOption): string {
  const name = header?.key ?? "";
  // The name comes from outside and goes to the log.
  return `it has a field that cannot be carried: ${JSON.stringify(name.slice(0, 64))}`;
}

function unusable(detail: string): Verdict {
  return { kind: "unusable", detail: `the answer cannot be carried out: ${detail}` };
}
