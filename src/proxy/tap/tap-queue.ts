/** Records on their way to the control plane. One that is slow costs records, which are counted, and never the data path. */
import { create, toBinary } from "@bufbuild/protobuf";
import type { Clock, Timer } from "../../kernel/index.ts";
import { type TapRecord, TapUploadSchema } from "../../wire/index.ts";
import type { TapSender } from "../agent/index.ts";

const maxRecords = 1_000;
const maxBytes = 4_194_304;
/** One upload is one message of gRPC. */
const uploadRecords = 64;
const uploadBytes = 262_144;
/** A person watches: later than this looks slow, earlier is more messages. */
const gatherMs = 100;
/** Of a record without headers and bodies, roughly. */
const recordBytes = 600;

export class TapQueue {
  readonly #sender: TapSender;
  readonly #clock: Clock;
  #records: TapRecord[] = [];
  #bytes = 0;
  readonly #lost = new Map<bigint, number>();
  #timer: Timer | undefined;
  #isFull = false;

  constructor(sender: TapSender, clock: Clock) {
    this.#sender = sender;
    this.#clock = clock;
  }

  push(record: TapRecord): void {
    const bytes = sizeOf(record);
    if (this.#records.length >= maxRecords || this.#bytes + bytes > maxBytes) {
      for (const id of record.orders) this.lose(id);
      return;
    }
    this.#records.push(record);
    this.#bytes += bytes;
    if (this.#records.length >= uploadRecords || this.#bytes >= uploadBytes) this.#flush();
    else this.#flushSoon();
  }

  /** A record that is not told. */
  lose(id: bigint): void {
    this.#lost.set(id, (this.#lost.get(id) ?? 0) + 1);
    this.#flushSoon();
  }

  /** There is room again. */
  onDrain(): void {
    this.#isFull = false;
    this.#flush();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#records = [];
    this.#bytes = 0;
    this.#lost.clear();
  }

  #flushSoon(): void {
    if (!this.#isFull) this.#timer ??= this.#clock.after(gatherMs, () => this.#flush());
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (!this.#isFull && (this.#records.length > 0 || this.#lost.size > 0)) {
      const records = this.#take();
      const losses = [...this.#lost].map(([id, count]) => ({ id, count: BigInt(count) }));
      this.#lost.clear();
      this.#isFull = !this.#sender.send(
        toBinary(TapUploadSchema, create(TapUploadSchema, { records, losses })),
      );
    }
  }

  #take(): TapRecord[] {
    let bytes = 0;
    let count = 0;
    for (const record of this.#records) {
      const size = sizeOf(record);
      if (count >= uploadRecords || (count > 0 && bytes + size > uploadBytes)) break;
      bytes += size;
      count++;
    }
    this.#bytes -= bytes;
    return this.#records.splice(0, count);
  }
}

function sizeOf(record: TapRecord): number {
  let bytes = recordBytes + record.path.length + record.query.length;
  bytes += record.requestBody.length + record.responseBody.length;
  for (const headers of [record.requestHeaders, record.responseHeaders]) {
    for (const { name, value } of headers) bytes += name.length + value.length;
  }
  return bytes;
}
