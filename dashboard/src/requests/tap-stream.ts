/** What a tap sends, line by line, and the state of the page that it makes. */
import { readTapRecord, type TapRecord } from "./tap-record.ts";

export type TapMessage =
  | { readonly type: "started"; readonly proxies: number }
  | { readonly type: "record"; readonly record: TapRecord }
  | { readonly type: "loss"; readonly count: number }
  | { readonly type: "alive" }
  | { readonly type: "end"; readonly why: string };

/** A line longer than this is not a record of ours. */
const maxLineLength = 1_048_576;

/** Cuts a stream into lines; what comes of it is complete lines only. */
export class LineReader {
  #rest = "";
  readonly #decoder = new TextDecoder();

  /** Throws where a line never ends. */
  push(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > maxLineLength) throw new Error("a line of the tap has no end");
    return lines.filter((line) => line !== "");
  }
}

/** Undefined: a message of a later version, or none. */
export function readTapMessage(line: string): TapMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const field = (name: string): unknown => Reflect.get(value, name);
  switch (field("type")) {
    case "started":
      return { type: "started", proxies: Number(field("proxies")) || 0 };
    case "record": {
      const record = readTapRecord(field("record"));
      return record === undefined ? undefined : { type: "record", record };
    }
    case "loss":
      return { type: "loss", count: Number(field("count")) || 0 };
    case "alive":
      return { type: "alive" };
    case "end": {
      const why = field("why");
      return { type: "end", why: typeof why === "string" ? why.slice(0, 200) : "" };
    }
    default:
      return undefined;
  }
}

export interface TapState {
  readonly phase: "idle" | "starting" | "running" | "ended";
  readonly proxies: number;
  /** Newest first, at most `maxRecords`. */
  readonly records: readonly TapRecord[];
  readonly seen: number;
  readonly lost: number;
  readonly why: string;
}

export const maxRecords = 500;
export const idleTap: TapState = { phase: "idle", proxies: 0, records: [], seen: 0, lost: 0, why: "" };

/** All that came since the page was drawn last, in one step. */
export function afterMessages(state: TapState, messages: readonly TapMessage[]): TapState {
  if (messages.length === 0) return state;
  const records = messages.flatMap((message) => (message.type === "record" ? [message.record] : []));
  let { phase, proxies, lost, why } = state;
  for (const message of messages) {
    if (message.type === "started") [phase, proxies] = ["running", message.proxies];
    else if (message.type === "loss") lost += message.count;
    else if (message.type === "end") [phase, why] = ["ended", message.why];
  }
  return {
    phase,
    proxies,
    lost,
    why,
    seen: state.seen + records.length,
    records: [...records.toReversed(), ...state.records].slice(0, maxRecords),
  };
}
