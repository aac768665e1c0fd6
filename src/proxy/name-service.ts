/** The name service of a parent of workers, which has none of a proxy's other doors. */
import type { Clock, Timer } from "../kernel/index.ts";
import { TimerWheel } from "../net/index.ts";
import type { Agent } from "./agent/index.ts";
import { type DnsContext, DnsServer } from "./serve/dns.ts";
import { DnsForwarder } from "./dns/index.ts";
import { ServeMetrics } from "./serve/metrics.ts";
import type { ListenSharing } from "./serve/listen-sharing.ts";
import type { Server } from "./serve/server.ts";
import { encodeMetrics, SeriesRegistry } from "./telemetry/index.ts";

export interface NameServiceOptions {
  readonly agent: Agent;
  /** Of the workload whose short names are expanded. */
  readonly namespace: string;
  readonly port: number;
  readonly dnsUpstreams: readonly string[];
  readonly mark: number | undefined;
  readonly clock: Clock;
  /** Set: a process that takes over opens the same port. */
  readonly sharing?: ListenSharing;
}

const wheelTickMs = 10;
const wheelSlots = 512;
const sweepMs = 1_000;

export class NameService {
  readonly #wheel: TimerWheel;
  readonly #metrics = new ServeMetrics();
  readonly #server: DnsServer;
  readonly #context: DnsContext & { coarseNowMs: number };
  readonly #clock: Clock;
  #sweep: Timer | undefined;

  private constructor({ agent, namespace, dnsUpstreams, mark, clock, sharing }: NameServiceOptions) {
    this.#clock = clock;
    this.#wheel = new TimerWheel(clock, wheelTickMs, wheelSlots);
    this.#context = { agent, workload: { namespace }, metrics: this.#metrics, coarseNowMs: clock.nowMs() };
    this.#server = new DnsServer(
      this.#context,
      new DnsForwarder({ upstreams: dnsUpstreams, wheel: this.#wheel, mark }),
      sharing,
    );
  }

  /** Throws `address_in_use` or `permission`; then nothing is open. */
  static open(options: NameServiceOptions): NameService {
    const service = new NameService(options);
    try {
      service.#server.open(options.port);
    } catch (error) {
      service.close();
      throw error;
    }
    service.#scheduleSweep();
    return service;
  }

  get listeners(): Server["listeners"] {
    return this.#server.listeners;
  }

  metricsText(): string {
    return encodeMetrics(new SeriesRegistry(), this.#metrics.families);
  }

  close(): void {
    this.#sweep?.cancel();
    this.#server.close();
    this.#wheel.close();
  }

  #scheduleSweep(): void {
    this.#sweep = this.#clock.after(sweepMs, () => {
      this.#context.coarseNowMs = this.#clock.nowMs();
      this.#server.connections.sweep(this.#context.coarseNowMs);
      this.#scheduleSweep();
    });
  }
}
