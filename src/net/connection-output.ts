/**
 * The bytes on their way out of one connection: the slab that gathers one event's output, the queue of what the kernel
 * did not take, and the timeout for a receiver that takes nothing. Knows nothing of closing.
 */
import type { ByteWriter, Timer } from "../kernel/index.ts";
import type { ConnectionHost } from "./connection-host.ts";
import { SlabPool } from "./slab-pool.ts";
import { type ByteTaker, UnsentQueue } from "./unsent-queue.ts";

/** Writes of this size go to the kernel directly: copying them costs more than the call that it might save. */
const directWriteBytes = 16 * 1024;
/** The slab is flushed before the end of the event when it has this much. */
const slabFlushBytes = 64 * 1024;
/** A producer that ignores `write`'s answer this far is broken; its connection ends before memory does. */
const maxUnsentBytes = 64 * 1024 * 1024;

export interface OutputOwner {
  /** The receiver took nothing for the stall timeout, or the producer passed `maxUnsentBytes`. */
  onOutputStuck(cause: "timeout" | "local"): void;
}

export class ConnectionOutput {
  /** Lends slabs for one event at a time: an allocator, which holds nobody's bytes between events. */
  static readonly #slabs = new SlabPool();

  /** A `write` was answered with false and its `onDrain` is owed. */
  wantsDrain: boolean;
  readonly #taker: ByteTaker;
  readonly #owner: OutputOwner;
  readonly #host: ConnectionHost;
  #slab: ByteWriter | undefined;
  #unsent: UnsentQueue | undefined;
  #isFlushScheduled: boolean;
  #stallTimer: Timer | undefined;
  #lastProgressMs: number;

  constructor(taker: ByteTaker, owner: OutputOwner, host: ConnectionHost) {
    this.wantsDrain = false;
    this.#taker = taker;
    this.#owner = owner;
    this.#host = host;
    this.#slab = undefined;
    this.#unsent = undefined;
    this.#isFlushScheduled = false;
    this.#stallTimer = undefined;
    this.#lastProgressMs = 0;
  }

  get length(): number {
    return (this.#slab?.length ?? 0) + (this.#unsent?.length ?? 0);
  }

  /** False: above the high-water mark. `isGiven`: the caller never writes to that memory again. */
  write(bytes: Uint8Array, isGiven: boolean): boolean {
    if (this.#unsent !== undefined && this.#unsent.length > 0) return this.#keep(bytes, isGiven);
    if (bytes.length >= directWriteBytes && bytes.buffer instanceof ArrayBuffer) {
      this.flush();
      const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      return this.#send(view, view.length, isGiven);
    }
    const slab = (this.#slab ??= ConnectionOutput.#slabs.take());
    slab.append(bytes);
    if (slab.length >= slabFlushBytes) return this.flush();
    if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true;
      queueMicrotask(this.#flushAtEnd);
    }
    return true;
  }

  flush(): boolean {
    const slab = this.#slab;
    if (slab === undefined) return true;
    this.#slab = undefined;
    const isBelow = slab.length === 0 || this.#send(slab.bytes, slab.length, false);
    ConnectionOutput.#slabs.give(slab);
    return isBelow;
  }

  /** The kernel has room again. True: nothing is unsent any more. */
  drain(): boolean {
    const unsent = this.#unsent;
    if (unsent === undefined || unsent.length === 0) return true;
    if (unsent.drainInto(this.#taker) > 0) this.#lastProgressMs = this.#nowMs();
    return unsent.length === 0;
  }

  /** Drops everything; the connection is over. */
  release(): void {
    this.#stallTimer?.cancel();
    this.#stallTimer = undefined;
    this.#unsent = undefined;
    if (this.#slab === undefined) return;
    ConnectionOutput.#slabs.give(this.#slab);
    this.#slab = undefined;
  }

  /** Microtasks run when the event's callback has returned, so this costs 20 ns and no list of dirty connections. */
  readonly #flushAtEnd = (): void => {
    this.#isFlushScheduled = false;
    this.flush();
  };

  #send(bytes: Uint8Array<ArrayBuffer>, length: number, isGiven: boolean): boolean {
    const taken = this.#taker.write(bytes, 0, length);
    if (taken === length) return true;
    // Negative: the socket is gone and its close event is on the way, so nothing is worth keeping.
    return taken < 0 ? false : this.#keep(bytes.subarray(taken, length), isGiven);
  }

  #keep(bytes: Uint8Array, isGiven: boolean): boolean {
    const unsent = (this.#unsent ??= new UnsentQueue());
    if (unsent.length === 0) this.#watchProgress();
    // A small view may hold on to much memory, so it is copied all the same.
    if (isGiven && bytes.length >= directWriteBytes && bytes.buffer instanceof ArrayBuffer) {
      unsent.adopt(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    } else {
      unsent.append(bytes, 0, bytes.length);
    }
    if (unsent.length <= this.#host.highWaterBytes) return true;
    this.wantsDrain = true;
    if (unsent.length > maxUnsentBytes) this.#owner.onOutputStuck("local");
    return false;
  }

  #watchProgress(): void {
    this.#lastProgressMs = this.#nowMs();
    this.#stallTimer ??= this.#host.clock.deadline(this.#host.writeStallTimeoutMs, () =>
      this.#checkProgress(),
    );
  }

  /** One timer for a whole stretch of back-pressure: it looks at the last progress instead of being moved by it. */
  #checkProgress(): void {
    this.#stallTimer = undefined;
    if (this.#unsent === undefined || this.#unsent.length === 0) return;
    const leftMs = this.#host.writeStallTimeoutMs - (this.#nowMs() - this.#lastProgressMs);
    if (leftMs <= 0) this.#owner.onOutputStuck("timeout");
    else this.#stallTimer = this.#host.clock.deadline(leftMs, () => this.#checkProgress());
  }

  #nowMs(): number {
    return this.#host.clock.monotonicUs() / 1000;
  }
}
