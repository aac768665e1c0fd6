/** The HTTP form: the request again, without most of it, to a service whose status is the verdict. */
import { framingNames, type HeaderLine, ResponseHead } from "../../../http1/index.ts";
import type { ExternalAuthorization } from "../../../model/index.ts";
import { type HttpResponse, isPlainConnect, upgradeOf } from "../../http/index.ts";
import type { UnaryAnswer, UnaryFailure } from "../unary-call.ts";
import { isField, isReservedField, lineOf } from "./answer-fields.ts";
import { maxAnswerBytes, maxAnswerFields } from "./bounds.ts";
import { partialBodyField } from "./partial-body.ts";
import type { AskedRequest, Question, QuestionForm } from "./question.ts";
import { pathAndQuery, requestFields } from "./request-fields.ts";
import { deniedAnswer, type RequestEdit, type Verdict } from "./verdict.ts";

/** Told always, beside what the call itself says: method, path, host and the body's length. */
const alwaysAsked = "authorization";
/** Of Envoy's HTTP form: a list of names that do not go to the application. */
const removalField = "x-envoy-auth-headers-to-remove";

/** What an answer says of itself: nothing that a request could mean, unless the policy names it. */
function isOfAnswerItself(nameLower: string): boolean {
  return nameLower.startsWith("content-") || nameLower === "date" || nameLower === removalField;
}

export class HttpForm implements QuestionForm {
  readonly #model: ExternalAuthorization;
  readonly #askedFields: ReadonlySet<string>;

  constructor(model: ExternalAuthorization) {
    this.#model = model;
    this.#askedFields = new Set([alwaysAsked, ...model.requestHeaders]);
  }

  /** HTTP has no way to ask about a tunnel to an authority. */
  prepare(asked: AskedRequest, onQuestion: (question: Question | undefined) => void): void {
    onQuestion(isPlainConnect(asked.head) ? undefined : this.#question(asked));
  }

  verdict({ status, head, body }: UnaryAnswer): Verdict {
    if (status === 200) return granted(this.#model.answerHeaders, head);
    if (status >= 500) {
      return { kind: "unanswered", outcome: "failed", detail: `the service answered ${status}` };
    }
    return refused(status, head, body);
  }

  refusalIn({ answerStatus }: UnaryFailure): Verdict | undefined {
    const isRefusal = answerStatus !== undefined && answerStatus !== 200 && answerStatus < 500;
    return isRefusal ? refused(answerStatus, undefined, undefined) : undefined;
  }

  #question({ head, request, body }: AskedRequest): Question {
    const fields: [string, string][] = [];
    for (const [name, value] of requestFields(head, request, this.#askedFields)) {
      if (!framingNames.has(name)) fields.push([name, value]);
    }
    if (body !== undefined) fields.push([partialBodyField, String(!body.isWhole)]);
    return {
      // WebSocket over HTTP/2 begins with CONNECT, and is the GET that HTTP/1.1 would begin it with.
      method: upgradeOf(head) !== undefined && head.method === "CONNECT" ? "GET" : head.method,
      path: prefixed(this.#model.pathPrefix, pathAndQuery(head)),
      authority: head.authority,
      fields,
      body: body?.bytes ?? new Uint8Array(0),
      isGrpc: false,
      maxAnswerBytes,
    };
  }
}

function prefixed(prefix: string, path: string): string {
  if (prefix === "") return path;
  const start = prefix.startsWith("/") ? prefix : `/${prefix}`;
  const whole = start.endsWith("/") ? start.slice(0, -1) : start;
  return path.startsWith("/") ? `${whole}${path}` : `${whole}/`;
}

/** The service said no, and perhaps more than can be passed on. */
function refused(status: number, head: HttpResponse | undefined, body: Uint8Array | undefined): Verdict {
  const detail = `the service answered ${status}`;
  // To the client a success would look as if the request had been carried out.
  if (status < 300) return { kind: "denied", detail, answer: deniedAnswer(403, [], undefined) };
  const lines: HeaderLine[] = [];
  for (const [name, value] of head === undefined ? [] : fieldsOf(head)) {
    if (lines.length === maxAnswerFields) break;
    if (isField(name, value) && !isReservedField(name)) lines.push(lineOf(name, value));
  }
  return { kind: "denied", detail, answer: deniedAnswer(status, lines, body) };
}

/** Without a list every field goes to the application but what describes the answer itself. */
function granted(allowed: readonly string[], head: HttpResponse): Verdict {
  const request: RequestEdit[] = [];
  const set = new Set<string>();
  for (const [nameLower, value] of fieldsOf(head)) {
    if (isReservedField(nameLower)) continue;
    if (allowed.length === 0 ? isOfAnswerItself(nameLower) : !allowed.includes(nameLower)) continue;
    if (!isField(nameLower, value) || request.length === maxAnswerFields) {
      return { kind: "unusable", detail: "the answer's fields cannot be carried, or are too many" };
    }
    request.push({ action: set.has(nameLower) ? "add" : "set", nameLower, value });
    set.add(nameLower);
  }
  const removed = [...removals(head), ...allowed.filter((name) => !set.has(name))];
  return {
    kind: "allowed",
    edits: { request, removed: removed.filter((name) => !isReservedField(name)), answer: [] },
  };
}

function removals(head: HttpResponse): string[] {
  const list = head.get(removalField) ?? "";
  return list
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
}

/** In their order, those of the connection aside. */
function fieldsOf(head: HttpResponse): [name: string, value: string][] {
  if (!(head instanceof ResponseHead)) return head.fields.entries().slice(1);
  const fields: [string, string][] = [];
  for (let i = 0; i < head.headerCount; i++) {
    if (!head.isHopField(i)) fields.push([head.nameAt(i), head.valueAt(i)]);
  }
  return fields;
}
