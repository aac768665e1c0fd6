/** The newest records that any tap saw, without headers and bodies: so that one request can be looked at hop by hop. */
import type { TapRecord } from "../../wire/index.ts";
import { inCausalOrder } from "./causal-order.ts";

const defaultMaxRecords = 2_000;
const defaultMaxBytes = 8_388_608;
/** Of an object of this shape, beside its texts. */
const recordBytes = 1_000;

export class RecentRecords {
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  /** Oldest first. */
  readonly #records = new Set<TapRecord>();
  #bytes = 0;

  constructor(maxRecords = defaultMaxRecords, maxBytes = defaultMaxBytes) {
    this.#maxRecords = maxRecords;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#records.size;
  }

  add(record: TapRecord): void {
    const nothing = new Uint8Array(0);
    const kept = { ...record, orders: [], requestHeaders: [], responseHeaders: [] };
    kept.requestBody = nothing;
    kept.responseBody = nothing;
    this.#records.add(kept);
    this.#bytes += sizeOf(kept);
    for (const oldest of this.#records) {
      if (this.#records.size <= this.#maxRecords && this.#bytes <= this.#maxBytes) break;
      this.#records.delete(oldest);
      this.#bytes -= sizeOf(oldest);
    }
  }

  /** Newest first. */
  newest(): TapRecord[] {
    return [...this.#records].toReversed();
  }

  /** Its hops, in the order in which one caused the other; also those that only its trace tells of. */
  request(id: string): TapRecord[] {
    const all = [...this.#records];
    const own = all.filter(({ requestId }) => requestId === id);
    const traces = new Set(own.map(({ traceId }) => traceId).filter((traceId) => traceId !== ""));
    return inCausalOrder(all.filter((each) => each.requestId === id || traces.has(each.traceId)));
  }
}

function sizeOf(record: TapRecord): number {
  const texts = [record.path, record.query, record.detail, record.authority, record.requestId, record.method];
  return recordBytes + 2 * texts.join("").length + record.tries.length * 200;
}
