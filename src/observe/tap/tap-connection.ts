/** One proxy's stream of taps: gets orders, and is believed only what it says of its own side. */
import { boundRecord } from "./bounded-record.ts";
import { Direction, type TapOrders, type TapRecord, type TapUpload } from "../../wire/index.ts";

/** The proxy at the other end. */
export interface TapPeer {
  /** SPIFFE id of its verified certificate. */
  readonly identity: string;
  /** `workload`: "namespace/name". */
  maySpeakFor(workload: string): boolean;
  send(orders: TapOrders): void;
}

/** For whom it reports. */
interface Receiver {
  onRecord(record: TapRecord): void;
  onRefused(): void;
  onLoss(id: bigint, proxy: string, count: number): void;
  /** How many records of the order a proxy may send in a second; undefined: there is no such order. */
  rateOf(id: bigint): number | undefined;
  nowMs(): number;
}

/** What a proxy may send beyond its rate: clocks and batches are no exact things. */
const rateSlack = 2;

export class TapConnection {
  readonly #peer: TapPeer;
  readonly #receiver: Receiver;
  #name = "";
  #second = 0;
  readonly #inSecond = new Map<bigint, number>();

  constructor(peer: TapPeer, receiver: Receiver) {
    this.#peer = peer;
    this.#receiver = receiver;
  }

  tell(orders: TapOrders): void {
    this.#peer.send(orders);
  }

  receive({ records, losses }: TapUpload): void {
    for (const record of records) this.#receiveRecord(record);
    for (const { id, count } of losses) {
      const lost = Math.min(Number(count), Number.MAX_SAFE_INTEGER);
      this.#receiver.onLoss(id, this.#name === "" ? this.#peer.identity : this.#name, lost);
    }
  }

  #receiveRecord(record: TapRecord): void {
    if (!this.#isOwn(record)) {
      this.#receiver.onRefused();
      return;
    }
    this.#name = record.proxy;
    record.orders = record.orders.filter((id) => this.#admits(id));
    if (record.orders.length === 0) return;
    boundRecord(record);
    this.#receiver.onRecord(record);
  }

  #isOwn({ direction, proxy, ...record }: TapRecord): boolean {
    const isOutbound = direction === Direction.OUTBOUND;
    if (!isOutbound && direction !== Direction.INBOUND) return false;
    const identity = isOutbound ? record.sourceIdentity : record.destinationIdentity;
    const workload = isOutbound ? record.sourceWorkload : record.destinationWorkload;
    return identity === this.#peer.identity && workload === proxy && this.#peer.maySpeakFor(proxy);
  }

  #admits(id: bigint): boolean {
    const rate = this.#receiver.rateOf(id);
    if (rate === undefined) return false;
    const second = Math.floor(this.#receiver.nowMs() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#inSecond.clear();
    }
    const count = (this.#inSecond.get(id) ?? 0) + 1;
    this.#inSecond.set(id, count);
    if (count <= rate * rateSlack) return true;
    this.#receiver.onLoss(id, this.#name, 1);
    return false;
  }
}
