/**
 * One watch of a range of keys that goes on by itself: at the next member where one fails, from where it was; where etcd has
 * compacted what was missed, its owner reads anew. Messages are handled one after another; meanwhile etcd is not read from.
 *
 *   connecting --created--> following --lost--> waiting --delay--> connecting
 *   following --compacted--> owner reads --> connecting         any --close()--> closed
 */
import { errorLine, type Timer } from "../../kernel/index.ts";
import type { GrpcStatus } from "../../grpc/index.ts";
import type { Event, WatchResponse } from "../../wire/etcd/index.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { bytesOf } from "./scan.ts";

export interface WatchLoopOptions {
  readonly client: EtcdClient;
  readonly key: string;
  readonly end: string;
  /** The first revision of etcd's that is wanted. */
  readonly from: bigint;
  /** In order, at least once: after a loss the newest come again. */
  readonly onEvents: (events: readonly Event[]) => Promise<void> | void;
  /** What was missed is gone. Reads everything, and says from which revision to go on. */
  readonly onGap: () => Promise<bigint>;
}

type Stream = Awaited<ReturnType<EtcdClient["watch"]>>;

/** Twice as long after each failure; spread, so that replicas do not come all at once. */
const minDelayMs = 50;
const maxDelayMs = 2_000;

export class WatchLoop {
  readonly #options: WatchLoopOptions;
  #next: bigint;
  #stream: Stream | undefined;
  #timer: Timer | undefined;
  #work: Promise<void> = Promise.resolve();
  #delayMs = minDelayMs;
  #isFollowing = false;
  #isClosed = false;

  constructor(options: WatchLoopOptions) {
    this.#options = options;
    this.#next = options.from;
    void this.#connect();
  }

  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  close(): void {
    this.#isClosed = true;
    this.#isFollowing = false;
    this.#timer?.cancel();
    this.#stream?.close({ code: "cancelled", message: "closed" });
  }

  async #connect(): Promise<void> {
    if (this.#isClosed) return;
    const { client, key, end } = this.#options;
    let mine: Stream | undefined;
    try {
      const stream = await client.watch({
        onMessage: (response) => this.#received(stream, response),
        onClose: (status) => this.#lost(mine, status),
      });
      mine = stream;
      this.#stream = stream;
      if (this.#isClosed) return this.close();
      stream.send({
        $typeName: "etcdserverpb.WatchRequest",
        requestUnion: {
          case: "createRequest",
          value: {
            $typeName: "etcdserverpb.WatchCreateRequest",
            key: bytesOf(key),
            rangeEnd: bytesOf(end),
            startRevision: this.#next,
            progressNotify: true,
            fragment: true,
          },
        },
      });
    } catch (error) {
      this.#retry(errorLine(error));
    }
  }

  #received(stream: Stream, response: WatchResponse): void {
    stream.pause();
    this.#work = this.#work
      .then(() => this.#handle(stream, response))
      .catch((error: unknown) => this.#failed(stream, error))
      .finally(() => stream.resume());
  }

  async #handle(stream: Stream, response: WatchResponse): Promise<void> {
    if (stream !== this.#stream || this.#isClosed) return;
    if (response.compactRevision > 0n) {
      this.#options.client.log.warn("etcd has forgotten what this replica missed; it reads anew");
      this.#next = await this.#options.onGap();
      return stream.close({ code: "cancelled", message: "compacted" });
    }
    // Without its majority, or for a reason of its own.
    if (response.canceled) return stream.close({ code: "cancelled", message: response.cancelReason });
    this.#isFollowing = true;
    this.#delayMs = minDelayMs;
    const last = response.events.at(-1)?.kv;
    if (last !== undefined) {
      await this.#options.onEvents(response.events);
      // This one again after a loss: the rest of its transaction may be in the next fragment.
      this.#next = last.modRevision;
    } else if (!response.created && !response.fragment) {
      const { revision } = response.header ?? { revision: 0n };
      if (revision >= this.#next) this.#next = revision + 1n;
    }
  }

  #failed(stream: Stream, error: unknown): void {
    if (this.#isClosed) return;
    this.#options.client.log.warn("what a watch of etcd told could not be taken; trying again", {
      error: errorLine(error),
    });
    stream.close({ code: "cancelled", message: "failed" });
  }

  #lost(stream: Stream | undefined, status: GrpcStatus): void {
    if (this.#isClosed || (stream !== undefined && stream !== this.#stream)) return;
    this.#retry(status.message);
  }

  #retry(detail: string): void {
    this.#stream = undefined;
    this.#isFollowing = false;
    if (this.#isClosed) return;
    const { client } = this.#options;
    client.log.debug("a watch of etcd was lost", { detail });
    this.#timer?.cancel();
    this.#timer = client.clock.after(this.#delayMs * (0.5 + Math.random()), () => void this.#connect());
    this.#delayMs = Math.min(maxDelayMs, this.#delayMs * 2);
  }
}
