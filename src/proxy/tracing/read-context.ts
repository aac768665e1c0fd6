/** The trace that a request's head speaks of, and in which formats it does. */
import { RequestHead } from "../../http1/index.ts";
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
  if (head instanceof RequestHead && !maySpeakOfTraces(head)) return nothing;
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

/** No: it has none of the fields that are asked for. One look at each name's length and a letter, instead of six searches. */
export function maySpeakOfTraces(head: RequestHead): boolean {
  for (let i = 0; i < head.headerCount; i++) {
    const start = head.nameStart(i);
    const { bytes } = head;
    switch (head.nameEnd(i) - start) {
      case 2:
      case 11:
        if (isLetter(bytes[start], "b") || isLetter(bytes[start], "t")) return true;
        break;
      case 10:
        if (isLetter(bytes[start], "t") || isLetter(bytes[start + 2], "b")) return true;
        break;
      case 12:
        if (isLetter(bytes[start + 2], "b")) return true;
    }
  }
  return false;
}

function isLetter(byte: number | undefined, lower: string): boolean {
  // oxlint-disable-next-line no-bitwise
  return byte !== undefined && (byte | 0x20) === lower.charCodeAt(0);
}

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
