/**
 * A replica's lease at etcd: what it writes under it goes when the replica does. It is renewed three times in its life; a
 * replica that could not renew it counts it as lost before etcd does, so that two never act at once.
 *
 *   none --granted--> held --not renewed in time | etcd says so--> none (and asks for another)
 */
import { errorLine, type Timer, WeftError } from "../../kernel/index.ts";
import { Lease } from "../../wire/etcd/index.ts";
import type { EtcdClient } from "./etcd-client.ts";

export interface SessionOptions {
  readonly client: EtcdClient;
  /** Default 5: a replica's death is known to the others after so long. */
  readonly ttlSeconds?: number;
}

type Stream = Awaited<ReturnType<EtcdClient["keepAlive"]>>;

const defaultTtlSeconds = 5;
const retryMs = 500;
/** etcd counts from when a renewal arrives, we from when it was sent; this covers clocks of different speed. */
const marginMs = 250;

export class Session {
  readonly #options: SessionOptions;
  readonly #ttlMs: number;
  readonly #listeners = new Set<(lease: bigint | undefined) => void>();
  #lease: bigint | undefined;
  #stream: Stream | undefined;
  #renewal: Timer | undefined;
  #expiry: Timer | undefined;
  #sentUs = 0;
  #isClosed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#ttlMs = (options.ttlSeconds ?? defaultTtlSeconds) * 1_000;
  }

  /** Undefined while there is none. */
  get lease(): bigint | undefined {
    return this.#lease;
  }

  get ttlMs(): number {
    return this.#ttlMs;
  }

  /** Called with each new lease, and with undefined when it is lost. */
  onChange(listener: (lease: bigint | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Throws where etcd cannot be reached. Afterwards it goes on by itself. */
  async open(): Promise<void> {
    await this.#grant();
  }

  /** What was written under the lease goes at once, where etcd can be reached. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stop();
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    try {
      await this.#options.client.once(Lease.method.leaseRevoke, { ID: lease });
    } catch {
      // It runs out by itself.
    }
  }

  async #grant(): Promise<void> {
    const { client } = this.#options;
    const sentUs = client.clock.monotonicUs();
    const { ID } = await client.read(Lease.method.leaseGrant, {
      TTL: BigInt(Math.ceil(this.#ttlMs / 1_000)),
    });
    if (this.#isClosed) return;
    this.#lease = ID;
    this.#held(sentUs);
    this.#schedule();
    for (const listener of this.#listeners) listener(ID);
  }

  #held(sentUs: number): void {
    const { clock } = this.#options.client;
    this.#expiry?.cancel();
    const leftMs = this.#ttlMs - marginMs - (clock.monotonicUs() - sentUs) / 1_000;
    this.#expiry = clock.after(Math.max(0, leftMs), () => this.#lost("it was not renewed in time"));
  }

  #schedule(): void {
    this.#renewal?.cancel();
    this.#renewal = this.#options.client.clock.after(this.#ttlMs / 3, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined || this.#isClosed) return;
    this.#schedule();
    try {
      const stream = (this.#stream ??= await this.#open());
      this.#sentUs = this.#options.client.clock.monotonicUs();
      stream.send({ $typeName: "etcdserverpb.LeaseKeepAliveRequest", ID: lease });
    } catch (error) {
      this.#options.client.log.debug("the lease at etcd was not renewed", { error: errorLine(error) });
    }
  }

  async #open(): Promise<Stream> {
    const stream: Stream = await this.#options.client.keepAlive({
      onMessage: ({ ID, TTL }) => {
        if (ID !== this.#lease) return;
        if (TTL <= 0n) this.#lost("etcd has let it run out");
        else this.#held(this.#sentUs);
      },
      onClose: () => {
        if (this.#stream === stream) this.#stream = undefined;
      },
    });
    return stream;
  }

  #lost(why: string): void {
    if (this.#isClosed || this.#lease === undefined) return;
    this.#options.client.log.warn("the lease at etcd is lost", { why });
    this.#lease = undefined;
    this.#stop();
    for (const listener of this.#listeners) listener(undefined);
    this.#again();
  }

  #again(): void {
    void this.#grant().catch((error: unknown) => {
      if (this.#isClosed) return;
      this.#options.client.log.debug("no lease at etcd", { error: errorLine(error) });
      this.#renewal = this.#options.client.clock.after(retryMs * (0.5 + Math.random()), () => this.#again());
    });
  }

  #stop(): void {
    this.#renewal?.cancel();
    this.#expiry?.cancel();
    this.#stream?.close({ code: "cancelled", message: "closed" });
    this.#stream = undefined;
  }
}

/** Throws `unavailable` while there is none. */
export function requireLease(session: Session): bigint {
  if (session.lease !== undefined) return session.lease;
  throw new WeftError("unavailable", "this replica has no lease at etcd; nothing was written", {
    hint: "can etcd be reached, and has it a majority?",
  });
}
