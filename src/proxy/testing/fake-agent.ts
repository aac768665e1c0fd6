/** An Agent with a configuration made by hand: answers at once what it holds, "unknown" for the rest. */
import { InboundTable } from "../../decide/index.ts";
import type {
  Address,
  Certificate,
  Cluster,
  Endpoint,
  Gateway,
  Inbound,
  Mesh,
  Name,
  Outbound,
} from "../../model/index.ts";
import { certificateKey, clusterKey, clusterTransport, gatewayKey, outboundKey } from "../../model/index.ts";
import type { TlsIdentity } from "../../net/index.ts";
import { GatewayCertificate } from "../agent/gateway-certificate.ts";
import { GatewayPorts } from "../agent/gateway-ports.ts";
import { prepareGateway, prepareOutbound } from "../agent/resource.ts";
import type {
  Agent,
  AgentStatus,
  PendingLookup,
  PreparedOutbound,
  Resolved,
  Snapshot,
  TapHandler,
  TapSender,
  TelemetrySource,
} from "../agent/index.ts";

export interface FakeConfiguration {
  readonly revision?: number;
  readonly mesh: Mesh;
  readonly inbound?: Inbound;
  /** The workload's own. */
  readonly addresses?: readonly string[];
  readonly outbounds?: readonly Outbound[];
  readonly clusters?: readonly Cluster[];
  readonly endpoints?: readonly Endpoint[];
  readonly gateways?: readonly Gateway[];
  readonly certificates?: readonly Certificate[];
  readonly names?: Readonly<Record<string, Name>>;
  readonly destinations?: Readonly<Record<string, Address>>;
}

export class FakeAgent implements Agent {
  snapshot: Snapshot;
  status: AgentStatus;
  /** For which somebody waited until their deadline. */
  expiredLookups = 0;
  /** Lookups are left without an answer until their deadline. */
  isMute = false;
  readonly prefetched: string[] = [];
  telemetry: TelemetrySource | undefined;
  hasLeft = false;
  announced: { readonly address: string; readonly port: number } | undefined;
  #identity: TlsIdentity;
  readonly #listeners = new Set<(snapshot: Snapshot, previous: Snapshot) => void>();

  constructor(configuration: FakeConfiguration, identity: TlsIdentity, spiffeId: string) {
    this.snapshot = fakeSnapshot(configuration);
    this.#identity = identity;
    this.status = {
      isReady: true,
      isConnected: true,
      revision: configuration.revision ?? 1,
      identity: spiffeId,
      certificateNotAfterMs: Date.now() + 86_400_000,
      subscriptions: 0,
      rejected: [],
      lastError: "",
    };
  }

  configure(configuration: FakeConfiguration): void {
    const previous = this.snapshot;
    this.snapshot = fakeSnapshot(configuration);
    for (const listener of this.#listeners) listener(this.snapshot, previous);
  }

  rotate(identity: TlsIdentity): void {
    this.#identity = identity;
  }

  onSnapshot(listener: (snapshot: Snapshot, previous: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  resolveAddress(
    ip: string,
    deadlineMs: number,
    callback: (result: Resolved<Address>) => void,
  ): PendingLookup | undefined {
    return this.#answer(deadlineMs, callback, () => this.snapshot.lookupAddress(ip) ?? "unknown");
  }

  resolveOutbound(
    key: string,
    deadlineMs: number,
    callback: (result: Resolved<PreparedOutbound>) => void,
  ): PendingLookup | undefined {
    return this.#answer(deadlineMs, callback, () => this.snapshot.outbound(key) ?? "unknown");
  }

  resolveName(
    fqdn: string,
    deadlineMs: number,
    callback: (result: Resolved<Name>) => void,
  ): PendingLookup | undefined {
    return this.#answer(deadlineMs, callback, () => this.snapshot.name(fqdn) ?? "unknown");
  }

  prefetch(ip: string): void {
    this.prefetched.push(ip);
  }

  touch(): void {}

  identity(): TlsIdentity {
    return this.#identity;
  }

  onIdentity(): () => void {
    return () => {};
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  announce(tunnel: { readonly address: string; readonly port: number }): void {
    this.announced = tunnel;
  }

  reportTelemetry(source: TelemetrySource): void {
    this.telemetry = source;
  }

  taps: TapHandler | undefined;
  readonly tapUploads: Uint8Array[] = [];

  serveTaps(handler: TapHandler): TapSender {
    this.taps = handler;
    return {
      send: (upload) => {
        this.tapUploads.push(upload);
        return true;
      },
    };
  }

  async drainAndLeave(whenDrained: () => Promise<void>): Promise<void> {
    await whenDrained();
    this.hasLeft = true;
  }

  async handOver(whenDrained: () => Promise<void>): Promise<void> {
    await this.drainAndLeave(whenDrained);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}

  #answer<T>(
    deadlineMs: number,
    callback: (result: Resolved<T>) => void,
    read: () => Resolved<T>,
  ): PendingLookup | undefined {
    if (!this.isMute) {
      callback(read());
      return undefined;
    }
    const timer = setTimeout(() => {
      this.expiredLookups++;
      callback("unavailable");
    }, deadlineMs);
    return { cancel: () => clearTimeout(timer) };
  }
}

export function fakeSnapshot(configuration: FakeConfiguration): Snapshot {
  const { mesh, inbound } = configuration;
  const outbounds = new Map(
    (configuration.outbounds ?? []).map((outbound) => [
      keyOf(outbound),
      prepareOutbound(keyOf(outbound), outbound),
    ]),
  );
  const clusters = new Map((configuration.clusters ?? []).map((cluster) => [clusterKeyOf(cluster), cluster]));
  const endpoints = Map.groupBy(configuration.endpoints ?? [], (endpoint) => endpoint.cluster);
  const addresses = configuration.addresses ?? [];
  const certificates = new Map(
    (configuration.certificates ?? []).map((certificate) => {
      const key = certificateKey(certificate.source?.namespace ?? "", certificate.source?.name ?? "");
      return [key, GatewayCertificate.prepare(key, certificate)] as const;
    }),
  );
  const gateways = (configuration.gateways ?? []).map((gateway) =>
    prepareGateway(gatewayKey(gateway.source?.namespace ?? "", gateway.source?.name ?? ""), gateway),
  );
  const ports = GatewayPorts.none.next(gateways, certificates);
  return {
    revision: configuration.revision ?? 1,
    mesh,
    inbound,
    inboundTable: inbound && InboundTable.prepare(inbound, { trustDomain: mesh.trustDomain, addresses }),
    gateways,
    gatewayPorts: ports.all,
    unservedListeners: ports.unserved,
    certificates: [...certificates.values()].map((each) => each.summary),
    lookupAddress: (ip) => configuration.destinations?.[ip],
    name: (fqdn) => configuration.names?.[fqdn],
    outbound: (key) => outbounds.get(key),
    cluster: (key) => clusters.get(key),
    endpoints: (key) => endpoints.get(key) ?? [],
    clusterKeys: () => clusters.keys(),
  };
}

function keyOf(outbound: Outbound): string {
  return outboundKey(outbound.namespace, outbound.service, outbound.port, outbound.clientNamespace);
}

function clusterKeyOf(cluster: Cluster): string {
  const { namespace, service, port, protocol } = cluster;
  return clusterKey(namespace, service, port, clusterTransport(protocol));
}
