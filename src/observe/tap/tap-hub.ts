/**
 * Between those who look at traffic and the proxies that carry it: tells proxies what to tap, gives each record to whom it is for,
 * and keeps the newest ones. Nothing is kept for a slow reader here: each has a bound of its own.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { type Clock, type Timer, WeftError } from "../../kernel/index.ts";
import { ExpressionSchema } from "../../model/index.ts";
import {
  type TapOrder,
  TapOrderSchema,
  type TapOrders,
  TapOrdersSchema,
  type TapRecord,
} from "../../wire/index.ts";
import { narrowed } from "./narrowing.ts";
import { RecentRecords } from "./recent-records.ts";
import { TapConnection, type TapPeer } from "./tap-connection.ts";
import type { RunningTap, TapListener, TapSpec } from "./tap-spec.ts";

export interface TapHubOptions {
  readonly clock: Clock;
  /** At once; default 16: each costs every proxy a look at every request. */
  readonly maxTaps?: number;
}

const defaultMaxTaps = 16;

interface Tap {
  readonly spec: TapSpec;
  readonly filter: Uint8Array<ArrayBuffer>;
  readonly listener: TapListener;
  readonly endMs: number;
  readonly timer: Timer;
}

export class TapHub {
  readonly #options: TapHubOptions;
  readonly #connections = new Set<TapConnection>();
  readonly #taps = new Map<bigint, Tap>();
  readonly #recent = new RecentRecords();
  #lastId = 0n;
  #refusedRecords = 0;

  constructor(options: TapHubOptions) {
    this.#options = options;
  }

  /** Taps that run. */
  get size(): number {
    return this.#taps.size;
  }

  /** Records that were not their sender's to tell. */
  get refusedRecords(): number {
    return this.#refusedRecords;
  }

  /** Throws `exhausted` where too many run already. */
  start(spec: TapSpec, listener: TapListener): RunningTap {
    const { clock, maxTaps = defaultMaxTaps } = this.#options;
    if (this.#taps.size >= maxTaps) {
      throw new WeftError("exhausted", `${maxTaps} taps are running already`, {
        hint: "end one of them, or wait: each ends by itself",
      });
    }
    const id = ++this.#lastId;
    const expression = narrowed(spec);
    this.#taps.set(id, {
      spec,
      filter:
        expression === undefined
          ? new Uint8Array(0)
          : Uint8Array.from(toBinary(ExpressionSchema, expression)),
      listener,
      endMs: clock.nowMs() + spec.durationMs,
      timer: clock.after(spec.durationMs, () => this.#end(id, "its time is over")),
    });
    this.#tellAll();
    return { proxies: this.#connections.size, stop: () => this.#stop(id) };
  }

  /** A proxy's stream has opened. Returns what its uploads are given to, and the way out. */
  connect(peer: TapPeer): { readonly connection: TapConnection; close(): void } {
    const connection = new TapConnection(peer, {
      onRecord: (record) => this.#deliver(record),
      onRefused: () => void this.#refusedRecords++,
      onLoss: (id, proxy, count) => this.#taps.get(id)?.listener.onLoss(proxy, count),
      rateOf: (id) => this.#taps.get(id)?.spec.maxPerSecond,
      nowMs: () => this.#options.clock.nowMs(),
    });
    this.#connections.add(connection);
    if (this.#taps.size > 0) connection.tell(this.#orders());
    return { connection, close: () => void this.#connections.delete(connection) };
  }

  /** Hops of one request that some tap saw a short while ago, in causal order. */
  /** What taps saw lately, newest first; without headers and bodies. */
  newest(): TapRecord[] {
    return this.#recent.newest();
  }

  request(id: string): TapRecord[] {
    return this.#recent.request(id);
  }

  #deliver(record: TapRecord): void {
    this.#recent.add(record);
    for (const id of record.orders) {
      const tap = this.#taps.get(id);
      tap?.listener.onRecord(forTap(record, tap.spec));
    }
  }

  #end(id: bigint, why: string): void {
    const tap = this.#taps.get(id);
    this.#stop(id);
    tap?.listener.onEnd(why);
  }

  #stop(id: bigint): void {
    const tap = this.#taps.get(id);
    if (tap === undefined) return;
    tap.timer.cancel();
    this.#taps.delete(id);
    this.#tellAll();
  }

  #tellAll(): void {
    const orders = this.#orders();
    for (const connection of this.#connections) connection.tell(orders);
  }

  #orders(): TapOrders {
    const nowMs = this.#options.clock.nowMs();
    const orders = [...this.#taps].map(
      ([id, { spec, filter, endMs }]): TapOrder =>
        create(TapOrderSchema, {
          id,
          filter,
          headers: spec.headers,
          maxBodyBytes: spec.maxBodyBytes,
          maxPerSecond: spec.maxPerSecond,
          endUnixMs: BigInt(Math.ceil(endMs)),
          remainingMs: BigInt(Math.max(1, Math.ceil(endMs - nowMs))),
        }),
    );
    return create(TapOrdersSchema, { orders });
  }
}

/** A record passes the filters of several taps at once: each gets what it asked for and no more. */
function forTap(record: TapRecord, { headers, maxBodyBytes }: TapSpec): TapRecord {
  return {
    ...record,
    orders: [],
    requestHeaders: headers ? record.requestHeaders : [],
    responseHeaders: headers ? record.responseHeaders : [],
    requestBody: record.requestBody.subarray(0, maxBodyBytes),
    responseBody: record.responseBody.subarray(0, maxBodyBytes),
  };
}
