/** All taps of this proxy while there are any: an observer of what ends. Loaded with the first order, gone with the last one. */
import type { Clock, Timer } from "../../kernel/index.ts";
import type { TapOrder } from "../../wire/index.ts";
import type { TapSender } from "../agent/index.ts";
import type { TelemetryFacts } from "../../decide/telemetry/index.ts";
import {
  type BodyCaptures,
  type HttpOutcome,
  OutcomeFacts,
  type TcpOutcome,
  type TrafficObserver,
} from "../observation/index.ts";
import { CapturedBodies, CaptureMemory } from "./captured-bodies.ts";
import { PreparedOrder } from "./tap-order.ts";
import { TapQueue } from "./tap-queue.ts";
import { httpRecord, type RecordParts, tcpRecord } from "./tap-record.ts";

/** More taps at once than a control plane starts. */
const maxOrders = 64;

export interface TapSessionParts {
  /** "namespace/workload" */
  readonly proxy: string;
  readonly revision: () => number;
  readonly sender: TapSender;
  readonly clock: Clock;
  /** The time of all orders is over. */
  readonly onIdle: () => void;
}

export class TapSession implements TrafficObserver {
  readonly wantsTimes = true;
  readonly #parts: TapSessionParts;
  readonly #queue: TapQueue;
  readonly #memory = new CaptureMemory();
  #orders: readonly PreparedOrder[] = [];
  #timers: readonly Timer[] = [];

  constructor(parts: TapSessionParts) {
    this.#parts = parts;
    this.#queue = new TapQueue(parts.sender, parts.clock);
  }

  /** Undefined: nobody wants bodies. */
  get bodies(): BodyCaptures | undefined {
    return this.#memory.maxBodyBytes === 0 ? undefined : this.#memory;
  }

  /** Replaces those of before. */
  setOrders(orders: readonly TapOrder[]): void {
    const { clock } = this.#parts;
    const before = this.#orders;
    for (const timer of this.#timers) timer.cancel();
    this.#orders = orders.slice(0, maxOrders).map((order) => new PreparedOrder(order, clock.nowMs()));
    for (const order of this.#orders) {
      const known = before.find(({ id }) => id === order.id);
      if (known !== undefined) order.keepRate(known);
    }
    this.#timers = this.#orders.map((order) => clock.after(order.remainingMs, () => this.#end(order)));
    this.#boundBodies();
  }

  http(outcome: HttpOutcome): void {
    const orders = this.#wanting(new OutcomeFacts(outcome), outcome.times.endUs);
    if (orders.length > 0) this.#queue.push(httpRecord(outcome, this.#recordParts(orders)));
    if (outcome.bodies instanceof CapturedBodies) outcome.bodies.release();
  }

  tcp(outcome: TcpOutcome): void {
    const orders = this.#wanting(new OutcomeFacts(outcome), this.#parts.clock.monotonicUs());
    if (orders.length > 0) this.#queue.push(tcpRecord(outcome, this.#recordParts(orders)));
  }

  onDrain(): void {
    this.#queue.onDrain();
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#orders = [];
    this.#queue.close();
  }

  #wanting(facts: TelemetryFacts, nowUs: number): PreparedOrder[] {
    const wanting: PreparedOrder[] = [];
    for (const order of this.#orders) {
      if (!order.passes(facts)) continue;
      if (order.admits(nowUs)) wanting.push(order);
      else this.#queue.lose(order.id);
    }
    return wanting;
  }

  #recordParts(orders: readonly PreparedOrder[]): RecordParts {
    const { proxy, revision, clock } = this.#parts;
    return { orders, proxy, revision: revision(), nowMs: clock.nowMs() };
  }

  /** Its time is over, whatever has become of the control plane. */
  #end(ended: PreparedOrder): void {
    this.#orders = this.#orders.filter((order) => order !== ended);
    this.#boundBodies();
    if (this.#orders.length === 0) this.#parts.onIdle();
  }

  #boundBodies(): void {
    this.#memory.maxBodyBytes = Math.max(0, ...this.#orders.map(({ maxBodyBytes }) => maxBodyBytes));
  }
}
