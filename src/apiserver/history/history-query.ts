/** What is asked of the history, read from a query. */
import { findKind, isKindName, kinds, type ObjectKey } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import { parseNumber } from "../resources.ts";
import type { ServiceName } from "./service-changes.ts";

const defaultLimit = 20;
const maxLimit = 1000;
const maxTextLength = 640;

export interface HistoryQuery {
  readonly limit: number;
  readonly before: number | undefined;
  readonly aroundMs: number | undefined;
  readonly author: string | undefined;
  readonly object: ObjectKey | undefined;
  readonly service: ServiceName | undefined;
}

/** Throws `usage`. */
export function historyQuery(query: URLSearchParams): HistoryQuery {
  const [before, aroundMs] = [numberOf(query, "before"), numberOf(query, "aroundMs")];
  if (before !== undefined && aroundMs !== undefined)
    throw new WeftError("usage", "only one of before and aroundMs can be given");
  const object = textOf(query, "object");
  const service = textOf(query, "service");
  return {
    limit: parseNumber("limit", query.get("limit") ?? String(defaultLimit), maxLimit),
    before,
    aroundMs,
    author: textOf(query, "author"),
    object: object === undefined ? undefined : objectOf(object),
    service: service === undefined ? undefined : serviceOf(service),
  };
}

export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  return text === null ? undefined : parseNumber(name, text, Number.MAX_SAFE_INTEGER);
}

export function textOf(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (text !== "" && text.length <= maxTextLength) return text;
  throw new WeftError("usage", `${name} must have 1 to ${maxTextLength} characters`);
}

/** `HTTPRoute/shop/reviews`, `Namespace/shop`. */
function objectOf(text: string): ObjectKey {
  const [kindText = "", ...rest] = text.split("/");
  const kind = isKindName(kindText) ? kindText : findKind(kindText);
  if (kind === undefined) throw new WeftError("usage", `there is no kind ${JSON.stringify(kindText)}`);
  const [first = "", second] = rest;
  const isWhole = rest.length === (kinds[kind].namespaced ? 2 : 1) && !rest.includes("");
  if (!isWhole) {
    throw new WeftError(
      "usage",
      `object must be ${kinds[kind].namespaced ? "KIND/NAMESPACE/NAME" : "KIND/NAME"}`,
    );
  }
  return second === undefined
    ? { kind, namespace: "", name: first }
    : { kind, namespace: first, name: second };
}

function serviceOf(text: string): ServiceName {
  const [namespace = "", name = "", ...more] = text.split("/");
  if (namespace !== "" && name !== "" && more.length === 0) return { namespace, name };
  throw new WeftError("usage", "service must be NAMESPACE/NAME");
}
