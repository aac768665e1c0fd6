/** The trace that a request's head speaks of, and in which formats it does. */
import {
  type B3Fields,
  isTracestate,
  parseB3,
  parseB3Fields,
  parseTraceparent,
  type ParentContext,
} from "./parent-context.ts";

/** Bits, so that a set of them is a number. */
export const formats = { w3c: 1, b3: 2, b3Multi: 4 } as const;

/** Heads of either version of HTTP. */
export interface HeadFields {
  /** All values of the field, joined by ", ": one that came twice is malformed by that. */
  get(nameLower: string): string | undefined;
}

export interface ReadContext {
  /** Undefined: there is none that can be believed. */
  readonly parent: ParentContext | undefined;
  /** Those that the head speaks in, well or not. */
  readonly present: number;
  /** Of a parent in W3C's form; empty: none that is well formed. */
  readonly traceState: string;
  /** The head has a `tracestate` that belongs to no trace of ours. */
  readonly hasStrayState: boolean;
}

/** Of several formats the first of W3C, B3, B3 in several fields that is well formed. `isBelieved` no: all are read over. */
export function readContext(head: HeadFields, isBelieved: boolean): ReadContext {
  const traceparent = head.get("traceparent");
  const b3 = head.get("b3");
  const fields = b3Fields(head);
  const state = head.get("tracestate");
  const present =
    (traceparent === undefined ? 0 : formats.w3c) |
    (b3 === undefined ? 0 : formats.b3) |
    (fields === undefined ? 0 : formats.b3Multi);
  if (present === 0 && state === undefined) return nothing;
  const ofW3c = isBelieved && traceparent !== undefined ? parseTraceparent(traceparent) : undefined;
  const traceState = ofW3c !== undefined && state !== undefined && isTracestate(state) ? state : "";
  const parent = ofW3c ?? (isBelieved ? parentInB3(b3, fields) : undefined);
  return { parent, present, traceState, hasStrayState: state !== undefined && traceState === "" };
}

const nothing: ReadContext = { parent: undefined, present: 0, traceState: "", hasStrayState: false };

function parentInB3(b3: string | undefined, fields: B3Fields | undefined): ParentContext | undefined {
  return (b3 === undefined ? undefined : parseB3(b3)) ?? (fields && parseB3Fields(fields));
}

function b3Fields(head: HeadFields): B3Fields | undefined {
  const traceId = head.get("x-b3-traceid");
  const sampled = head.get("x-b3-sampled");
  const flags = head.get("x-b3-flags");
  if (traceId === undefined && sampled === undefined && flags === undefined) return undefined;
  return { traceId, spanId: head.get("x-b3-spanid"), sampled, flags };
}
