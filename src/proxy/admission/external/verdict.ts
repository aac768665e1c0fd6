/** What came of a question, and how what a service grants is laid over the request. */
import type { HeaderLine } from "../../../http1/index.ts";
import type { FilterAnswer, FilteredExchange } from "../filter.ts";

export type Verdict =
  | { readonly kind: "allowed"; readonly edits: GrantedEdits }
  | { readonly kind: "denied"; readonly detail: string; readonly answer: FilterAnswer }
  /** The policy says what becomes of the request. */
  | {
      readonly kind: "unanswered";
      readonly outcome: "failed" | "timed_out" | "overloaded";
      readonly detail: string;
    }
  /** There was an answer, and it cannot be carried out: the request is refused whatever the policy says. */
  | { readonly kind: "unusable"; readonly detail: string };

/** In the order of the answer; removals come last. */
export interface GrantedEdits {
  readonly request: readonly RequestEdit[];
  /** Lower case. */
  readonly removed: readonly string[];
  readonly answer: readonly AnswerEdit[];
}

export interface RequestEdit {
  /** `set`: the client's fields of the name do not go on. `add`: they do, with this one behind them. */
  readonly action: "set" | "add" | "set_if_absent" | "set_if_present";
  readonly nameLower: string;
  readonly value: string;
}

export interface AnswerEdit {
  /** `set`: in the place of the application's own. */
  readonly action: "set" | "add";
  readonly line: HeaderLine;
}

export function applyEdits(exchange: FilteredExchange, edits: GrantedEdits): void {
  for (const { action, nameLower, value } of edits.request) {
    const isThere = exchange.request.http?.header(nameLower) !== undefined;
    if (action === "add") exchange.addRequestHeader(nameLower, value);
    else if (action === "set" || isThere === (action === "set_if_present")) {
      exchange.setRequestHeader(nameLower, value);
    }
  }
  for (const nameLower of edits.removed) exchange.removeRequestHeader(nameLower);
  for (const { action, line } of edits.answer) {
    if (action === "add") exchange.addAnswerLine(line);
    else exchange.setAnswerHeader(line.nameLower, line.value);
  }
}

export function deniedAnswer(
  status: number,
  lines: readonly HeaderLine[],
  body: Uint8Array | undefined,
): FilterAnswer {
  const isBodiless = body === undefined || body.length === 0 || status === 204 || status === 304;
  return { status, lines, body: isBodiless ? undefined : body };
}
