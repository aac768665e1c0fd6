/** One order, prepared: what it is for, how much of it, and until when. */
import { fromBinary } from "@bufbuild/protobuf";
import { prepareTapFilter, type TelemetryFacts } from "../../decide/telemetry/index.ts";
import { ExpressionSchema } from "../../model/index.ts";
import type { TapOrder } from "../../wire/index.ts";

/** Whatever a control plane asks for. */
const maxBodyBytes = 65_536;
const maxPerSecond = 10_000;
const maxDurationMs = 86_400_000;
const secondUs = 1_000_000;

const everything = (): boolean => true;
const nothing = (): boolean => false;

export class PreparedOrder {
  readonly id: bigint;
  readonly hasHeaders: boolean;
  readonly maxBodyBytes: number;
  /** How long from when it was sent. */
  readonly remainingMs: number;
  readonly #filter: (facts: TelemetryFacts) => boolean;
  readonly #maxPerSecond: number;
  #secondStartUs = Number.NEGATIVE_INFINITY;
  #inSecond = 0;

  /** `nowMs` counts only where the order does not say how long is left. */
  constructor(order: TapOrder, nowMs: number) {
    const remainingMs =
      order.remainingMs > 0n ? order.remainingMs : order.endUnixMs - BigInt(Math.floor(nowMs));
    this.id = order.id;
    this.hasHeaders = order.headers;
    this.maxBodyBytes = Math.min(order.maxBodyBytes, maxBodyBytes);
    this.remainingMs = Math.min(Math.max(Number(remainingMs), 0), maxDurationMs);
    this.#maxPerSecond = Math.min(Math.max(order.maxPerSecond, 1), maxPerSecond);
    this.#filter = filterOf(order.filter);
  }

  passes(facts: TelemetryFacts): boolean {
    return this.#filter(facts);
  }

  /** False: it has had as much as it may in this second. */
  admits(nowUs: number): boolean {
    if (nowUs - this.#secondStartUs >= secondUs) {
      this.#secondStartUs = nowUs;
      this.#inSecond = 0;
    }
    if (this.#inSecond >= this.#maxPerSecond) return false;
    this.#inSecond++;
    return true;
  }

  /** Of the same order as it was before. */
  keepRate(before: PreparedOrder): void {
    this.#secondStartUs = before.#secondStartUs;
    this.#inSecond = before.#inSecond;
  }
}

/** One that cannot be read lets nothing through: less is told, never more. */
function filterOf(bytes: Uint8Array): (facts: TelemetryFacts) => boolean {
  if (bytes.length === 0) return everything;
  try {
    return prepareTapFilter(fromBinary(ExpressionSchema, bytes));
  } catch {
    return nothing;
  }
}
