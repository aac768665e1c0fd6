/**
 * The local application as an upstream: one per port, over loopback first, then the workload's own addresses, since some
 * programs listen only there.
 */
import { create } from "@bufbuild/protobuf";
import { EndpointSchema, type Protocol, Tunnel } from "../../model/index.ts";
import {
  type HopDialer,
  OrderedPicker,
  type UpstreamCluster,
  UpstreamEndpoint,
  versionRule,
} from "../upstream/index.ts";
import { inboundRequests } from "../../decide/index.ts";
import type { Clock } from "../../kernel/index.ts";

/** Shorter than the 5 s after which Node's server, the least patient of the common ones, closes an idle connection. */
const idleTimeoutMs = 4_000;
/** Over loopback a connect is answered at once or never. */
const connectTimeoutMs = 3_000;
/** More requests at once than this to one process are better refused than piled up. */
const maxConnections = 4_096;
const maxPending = 1_024;

export interface ApplicationOptions {
  /** Where it is dialled first. */
  readonly address: string;
  /** The workload's own, in canonical text. */
  readonly addresses: readonly string[];
  readonly workload: string;
  readonly dialer: HopDialer;
  readonly clock: Clock;
}

export class Application {
  readonly #options: ApplicationOptions;
  readonly #byPort = new Map<number, { readonly declared: Protocol; readonly cluster: UpstreamCluster }>();

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  /** Only for ports that were admitted: those are declared, so their number is bounded. */
  port(port: number, declared: Protocol): UpstreamCluster {
    const known = this.#byPort.get(port);
    if (known !== undefined && known.declared === declared) return known.cluster;
    const { workload } = this.#options;
    const cluster: UpstreamCluster = {
      key: `${workload}:${port}`,
      service: "",
      port,
      picker: known?.cluster.picker ?? new OrderedPicker(this.#places(port)),
      versionFor: versionRule(declared, "client"),
      requests: inboundRequests,
      retryBudget: undefined,
    };
    this.#byPort.set(port, { declared, cluster });
    return cluster;
  }

  sweep(nowMs: number): void {
    for (const place of this.places()) place.pool.sweep(nowMs);
  }

  close(): void {
    for (const place of this.places()) place.close();
  }

  *places(): Generator<UpstreamEndpoint> {
    for (const { cluster } of this.#byPort.values()) yield* cluster.picker.members;
  }

  #places(port: number): UpstreamEndpoint[] {
    const { address, addresses } = this.#options;
    return [...new Set([address, ...addresses])].map((place) => this.#place(place, port));
  }

  #place(address: string, port: number): UpstreamEndpoint {
    const { workload, dialer, clock } = this.#options;
    return new UpstreamEndpoint(
      create(EndpointSchema, { workload, address, port, tunnel: Tunnel.NONE, weight: 1 }),
      { name: "", port },
      {
        limits: { connectTimeoutMs, idleTimeoutMs, maxConnections, maxPending },
        dialer,
        clock,
      },
    );
  }
}
