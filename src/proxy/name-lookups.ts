/** Where a proxy has names looked up: its workload's that are not the mesh's, and its own of external services, with what those count. */
import type { Clock } from "../kernel/index.ts";
import type { TimerWheel } from "../net/index.ts";
import { DnsClient, DnsForwarder, NameResolver } from "./dns/index.ts";
import { CounterFamily, GaugeFamily, type MetricFamily } from "./telemetry/index.ts";

export interface NameLookupsOptions {
  /** `address` or `address:port`. */
  readonly upstreams: readonly string[];
  readonly wheel: TimerWheel;
  readonly mark: number | undefined;
  readonly clock: Clock;
}

export class NameLookups {
  readonly resolver: NameResolver;
  readonly families: readonly MetricFamily[];
  /** For the workload's. */
  readonly forwarder: DnsForwarder;
  readonly #client: DnsClient;

  constructor(options: NameLookupsOptions) {
    const { clock } = options;
    const lookups = new CounterFamily(
      "weft_name_lookups_total",
      "Host names of external services that this proxy looked up, by what came of it.",
      ["outcome"],
    );
    this.forwarder = new DnsForwarder(options);
    this.#client = new DnsClient(options);
    const resolver = new NameResolver({
      client: this.#client,
      clock,
      random: Math.random,
      onOutcome: (outcome) => void lookups.of(outcome).value++,
    });
    const stale = new GaugeFamily(
      "weft_stale_names",
      "Host names whose last addresses are in use beyond their time because they cannot be looked up.",
      () => [{ labels: {}, value: resolver.staleNames }],
    );
    this.resolver = resolver;
    this.families = [lookups, stale];
  }

  close(): void {
    this.#client.close();
  }
}
