/** Between the control plane and the workers that are one proxy together: all of them get the orders, and what they saw goes up from here. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type TapOrders, TapOrdersSchema, TapUploadSchema } from "../../wire/index.ts";
import type { Agent, TapHandler, TapSender } from "./agent.ts";

export interface TapRelayOptions {
  readonly agent: Pick<Agent, "serveTaps">;
  readonly workers: number;
  /** `TapOrders`, encoded. Undefined: to all workers. */
  readonly tell: (worker: number | undefined, orders: Uint8Array) => void;
}

const nothing = new Uint8Array(0);

export class TapRelay implements TapHandler {
  readonly #options: TapRelayOptions;
  readonly #sender: TapSender;
  #orders = nothing;
  /** The control plane takes no more at the moment: what workers send is counted as lost. */
  #isFull = false;
  readonly #lost = new Map<bigint, bigint>();

  constructor(options: TapRelayOptions) {
    this.#options = options;
    this.#sender = options.agent.serveTaps(this);
  }

  onOrders(orders: TapOrders | undefined): void {
    this.#isFull = false;
    this.#lost.clear();
    this.#orders = orders === undefined ? nothing : toBinary(TapOrdersSchema, this.#shared(orders));
    this.#options.tell(undefined, this.#orders);
  }

  onDrain(): void {
    this.#isFull = false;
    if (this.#lost.size === 0) return;
    const losses = [...this.#lost].map(([id, count]) => ({ id, count }));
    this.#lost.clear();
    this.#send(toBinary(TapUploadSchema, create(TapUploadSchema, { losses })));
  }

  /** `upload`: a `TapUpload`, encoded; empty: the worker has just started. */
  receive(worker: number, upload: Uint8Array): void {
    if (upload.length === 0) this.#options.tell(worker, this.#orders);
    else if (this.#isFull) this.#lose(upload);
    else this.#send(upload);
  }

  #send(upload: Uint8Array): void {
    this.#isFull = !this.#sender.send(upload);
  }

  #lose(upload: Uint8Array): void {
    const { records, losses } = fromBinary(TapUploadSchema, upload);
    const add = (id: bigint, count: bigint): void => {
      this.#lost.set(id, (this.#lost.get(id) ?? 0n) + count);
    };
    for (const { orders } of records) for (const id of orders) add(id, 1n);
    for (const { id, count } of losses) add(id, count);
  }

  /** Each worker has its share of what the proxy may send. */
  #shared({ orders }: TapOrders): TapOrders {
    const { workers } = this.#options;
    const shares = orders.map((order) => ({
      ...order,
      maxPerSecond: Math.ceil(order.maxPerSecond / workers),
    }));
    return create(TapOrdersSchema, { orders: shares });
  }
}
