/** All simulated proxies of one process, and what is measured of them together. */
import { Deliveries, type DeliveryReport } from "./deliveries.ts";
import { Identities } from "./identities.ts";
import { endpointOf, type MeshShape, meshOf, proxyOf } from "./mesh.ts";
import { type ArrivedEndpoint, SimulatedProxy } from "./simulated-proxy.ts";
import { latencies } from "../programs/print-report.ts";
import type { SimulatorSettings } from "./simulator-protocol.ts";

/** Proxies of one machine, which dial from one address. */
const proxiesPerMachine = 50;

export interface ConnectReport {
  /** From the first attempt until every proxy had acknowledged its first commit. */
  readonly allMs: number;
  /** Of one proxy: from its attempt to its acknowledgement; after a loss from the first loss of all. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Attempts that failed, each of them tried again. */
  readonly retries: number;
}

export interface MoveReport extends DeliveryReport {
  /** From the first change until the last one was stored. */
  readonly storedMs: number;
  /** From the first change until every subscriber had what it was to have. */
  readonly allMs: number;
  readonly failures: number;
}

export class Population {
  readonly #shape: MeshShape;
  readonly #proxies: SimulatedProxy[] = [];
  /** Subscribers of each service. */
  readonly #subscribers: number[];
  /** Since the last loss of its stream, or the start. */
  readonly #settled = new Set<number>();
  #deliveries = new Deliveries();
  #startMs = 0;
  /** Of each proxy: when it began to connect. */
  #openedAtMs: number[] = [];
  #settledAfterMs: number[] = [];
  #retries = 0;
  #lastSettledMs = 0;
  #next = 0;
  #onSettled: (() => void) | undefined;
  #onArrived: (() => void) | undefined;

  constructor({ proxies, port, dataDir }: SimulatorSettings) {
    this.#shape = meshOf(proxies);
    this.#subscribers = Array.from({ length: this.#shape.services }, () => 0);
    const identities = new Identities(dataDir);
    for (let index = 0; index < proxies; index++) {
      const proxy = proxyOf(this.#shape, index);
      for (const service of proxy.dependencies) this.#subscribers[service] = this.#subscribersOf(service) + 1;
      this.#proxies.push(
        new SimulatedProxy({
          proxy,
          shape: this.#shape,
          port,
          identity: identities.issue(proxy.namespace, proxy.name),
          localAddress: machineAddress(Math.floor(index / proxiesPerMachine)),
          isAwaited: (endpoint) => this.#deliveries.isAwaited(endpoint),
          onCommit: (endpoints) => this.#committed(index, endpoints),
          onLost: () => this.#lost(index),
        }),
      );
    }
    identities.close();
  }

  async connect(atOnce: number): Promise<ConnectReport> {
    this.#startMs = performance.now();
    const settled = this.#untilSettled();
    for (const [index, proxy] of this.#proxies.entries()) {
      while (index - this.#settled.size >= atOnce) await Bun.sleep(1);
      this.#openedAtMs[index] = performance.now();
      proxy.open();
      // Each makes a TLS context of its own: those that are connected must not wait for it.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return settled;
  }

  /** After the control plane went: until every proxy is back and has acknowledged. */
  async reconnected(): Promise<ConnectReport> {
    return this.#untilSettled();
  }

  async move(count: number, perSecond: number, patienceMs: number): Promise<MoveReport> {
    this.#deliveries = new Deliveries();
    const startMs = performance.now();
    const stored: Promise<void>[] = [];
    let failures = 0;
    while (stored.length < count) {
      const due = Math.min(count, Math.ceil(((performance.now() - startMs) / 1_000) * perSecond));
      while (stored.length < due) stored.push(this.#moveNext().catch(() => void failures++));
      await Bun.sleep(1);
    }
    await Promise.all(stored);
    const storedMs = performance.now() - startMs;
    await this.#untilArrived(patienceMs);
    const allMs = performance.now() - startMs;
    return { ...this.#deliveries.report(), storedMs, allMs, failures };
  }

  close(): void {
    for (const proxy of this.#proxies) proxy.close();
  }

  async #moveNext(): Promise<void> {
    const index = this.#next++ % this.#proxies.length;
    const { service } = proxyOf(this.#shape, index);
    const nowMs = performance.now();
    const moved = this.#proxies[index]?.move();
    if (moved === undefined) return;
    const endpoint = endpointOf(proxyOf(this.#shape, index));
    this.#deliveries.begin(endpoint, moved.address, this.#subscribersOf(service), nowMs);
    await moved.done;
  }

  #committed(index: number, endpoints: readonly ArrivedEndpoint[]): void {
    const nowMs = performance.now();
    for (const { key, address } of endpoints) this.#deliveries.arrived(key, address, nowMs);
    if (this.#deliveries.isComplete) this.#onArrived?.();
    if (this.#settled.has(index)) return;
    this.#settled.add(index);
    this.#settledAfterMs.push(nowMs - (this.#openedAtMs[index] ?? this.#startMs));
    this.#lastSettledMs = nowMs;
    if (this.#settled.size === this.#proxies.length) this.#onSettled?.();
  }

  #lost(index: number): void {
    if (this.#settled.size === this.#proxies.length) {
      // The first of all: what is measured now is how they come back.
      this.#startMs = performance.now();
      this.#openedAtMs = [];
      this.#settledAfterMs = [];
      this.#retries = 0;
    }
    this.#settled.delete(index);
    this.#retries++;
  }

  async #untilSettled(): Promise<ConnectReport> {
    if (this.#settled.size < this.#proxies.length) {
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve;
      });
    }
    this.#onSettled = undefined;
    const { p50Ms = 0, p99Ms = 0 } = latencies(this.#settledAfterMs);
    return { allMs: this.#lastSettledMs - this.#startMs, p50Ms, p99Ms, retries: this.#retries };
  }

  async #untilArrived(patienceMs: number): Promise<void> {
    if (this.#deliveries.isComplete) return;
    const arrived = new Promise<void>((resolve) => {
      this.#onArrived = resolve;
    });
    await Promise.race([arrived, Bun.sleep(patienceMs)]);
    this.#onArrived = undefined;
  }

  #subscribersOf(service: number): number {
    return this.#subscribers[service] ?? 0;
  }
}

function machineAddress(machine: number): string {
  return `127.18.${machine >> 8}.${(machine & 255) + 1}`.replace(/\.256$/, ".255");
}
