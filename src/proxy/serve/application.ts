/**
 * The local application as an upstream: one per port, over loopback first, then the workload's own addresses, since some
 * programs listen only there.
 */
import { create } from "@bufbuild/protobuf";
import type { InboundTable } from "../../decide/index.ts";
import { EndpointSchema, Protocol, Tunnel, type UpstreamTls } from "../../model/index.ts";
import {
  type HopDialer,
  OrderedPicker,
  OriginTls,
  type UpstreamCluster,
  UpstreamEndpoint,
  versionRule,
} from "../upstream/index.ts";
import { ApplicationMetrics, type ApplicationMetricsOptions } from "../telemetry/index.ts";
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

/** What is declared of a port; the same objects as long as the configuration is. */
export interface ApplicationPort {
  readonly protocol: Protocol;
  readonly tls: UpstreamTls | undefined;
}

interface Port extends ApplicationPort {
  readonly origin: OriginTls | undefined;
  readonly cluster: UpstreamCluster;
}

export const undeclaredPort: ApplicationPort = { protocol: Protocol.UNSPECIFIED, tls: undefined };

export class Application {
  readonly #options: ApplicationOptions;
  readonly #byPort = new Map<number, Port>();

  constructor(options: ApplicationOptions) {
    this.#options = options;
  }

  /** Only for ports that were admitted: those are declared, so their number is bounded. */
  port(port: number, { protocol, tls }: ApplicationPort): UpstreamCluster {
    const known = this.#byPort.get(port);
    if (known !== undefined && known.protocol === protocol && known.tls === tls) return known.cluster;
    const origin = tls && new OriginTls(tls);
    if (known?.origin?.key !== origin?.key) {
      for (const place of known?.cluster.picker.members ?? []) place.changeOrigin(origin);
    }
    const { workload } = this.#options;
    const cluster: UpstreamCluster = {
      key: `${workload}:${port}`,
      service: "",
      port,
      faults: undefined,
      picker: known?.cluster.picker ?? new OrderedPicker(this.#places(port, origin)),
      versionFor: versionRule(protocol, "client"),
      requests: inboundRequests,
      retryBudget: undefined,
    };
    this.#byPort.set(port, { protocol, tls, origin, cluster });
    return cluster;
  }

  /** Connections that are open already go on with what is declared now. */
  refresh(table: InboundTable | undefined): void {
    for (const port of this.#byPort.keys()) {
      const declared = table?.port(port);
      if (declared !== undefined) this.port(port, declared);
    }
  }

  /** Its own metrics. `place`: as the newest configuration has it. */
  metrics(place: ApplicationMetricsOptions["place"]): ApplicationMetrics {
    const { address, addresses, clock } = this.#options;
    return new ApplicationMetrics({ place, addresses: [...new Set([address, ...addresses])], clock });
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

  #places(port: number, origin: OriginTls | undefined): UpstreamEndpoint[] {
    const { address, addresses } = this.#options;
    return [...new Set([address, ...addresses])].map((place) => this.#place(place, port, origin));
  }

  #place(address: string, port: number, origin: OriginTls | undefined): UpstreamEndpoint {
    const { workload, dialer, clock } = this.#options;
    return new UpstreamEndpoint(
      create(EndpointSchema, { workload, address, port, tunnel: Tunnel.NONE, weight: 1 }),
      { name: "", port },
      {
        limits: { connectTimeoutMs, idleTimeoutMs, maxConnections, maxPending, origin },
        dialer,
        clock,
      },
    );
  }
}
