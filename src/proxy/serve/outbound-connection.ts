/**
 * One connection that the local application opened, until it is known what it is: which service or workload stands at
 * its destination, what it speaks. Then it becomes an HTTP connection or a TCP session. Nothing inside the mesh's
 * prefixes ever passes through unresolved.
 *
 *   resolving address -> resolving service -> detecting (where undeclared) -> HTTP | TCP
 *        any of them: refused with a reset and counted
 */
import type { ReasonCode } from "../../kernel/index.ts";
import { type Address, outboundKey, Protocol, type ServiceTarget } from "../../model/index.ts";
import type { Connection, ConnectionSink } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import type { PendingLookup, PreparedOutbound, Resolved } from "../agent/index.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "../upstream/index.ts";
import type { ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { outboundEdge, unreachedEdge } from "./edges.ts";
import { ExternalDestination } from "./external-destination.ts";
import { ExternalHttp } from "./external-http.ts";
import { serveHttp } from "./http-opening.ts";
import type { HttpService } from "./http-service.ts";
import { type MeshPrefixes, readAs, SharedAddress } from "../../decide/index.ts";
import { DirectHttp, OutboundHttp } from "./outbound-http.ts";
import { OverridingHttp } from "./overriding-http.ts";
import { logDenied, passthroughTarget } from "./passthrough.ts";
import { ProtocolDetector } from "./protocol-detector.ts";
import { refuseServerFirst } from "./server-first-refusal.ts";
import type { RouteSelector } from "./route-selector.ts";
import { serveRoutedConnection } from "./routed-connection.ts";
import { refuseServerName, ServerNameReader } from "./server-name-reader.ts";
import { readSharedName } from "./shared-address.ts";
import { proxyVersion, type TcpTarget } from "./tcp-dial.ts";
import { TcpSession } from "./tcp-session.ts";

export interface OutboundParts {
  readonly context: ServeContext;
  readonly selector: RouteSelector;
  readonly prefixes: MeshPrefixes;
  readonly members: ConnectionSet;
}

/** Where MeshConfig says nothing. DESIGN: a lookup waits at most two seconds. */
const defaultDiscoveryTimeoutMs = 2_000;

export class OutboundConnection implements ConnectionSink {
  readonly #connection: Connection;
  readonly #parts: OutboundParts;
  #lookup: PendingLookup | undefined;
  #early: Uint8Array | undefined;
  #isEnded = false;
  #isClosed = false;
  /** What it becomes, once resolved. */
  #http: HttpService | undefined;
  #tcp: ((protocol: SessionProtocol) => TcpTarget | undefined) | undefined;
  #memoryKey = "";
  /** Where redirected traffic was going. */
  #destination: { readonly address: string; readonly port: number } | undefined;
  /** That is an address of the mesh's own, where nobody can be dialled. */
  #isVirtual = false;

  constructor(connection: Connection, parts: OutboundParts) {
    this.#connection = connection;
    this.#parts = parts;
    connection.sink = this;
    connection.pause();
  }

  /** Redirected traffic: only the original destination tells where it was going. */
  dialAddress(address: string, port: number): void {
    const { context, prefixes } = this.#parts;
    this.#destination = { address, port };
    const mesh = context.agent.snapshot.mesh;
    if (mesh === undefined) {
      this.#refuse("discovery_unavailable");
    } else if (prefixes.contains(mesh, address)) {
      this.#isVirtual = prefixes.isVirtual(mesh, address);
      this.#lookup = context.agent.resolveAddress(address, this.#discoveryTimeoutMs(), (result) =>
        this.#onAddress(result, address, port),
      );
    } else if (mesh.allowUnknownDestinations && !context.agent.snapshot.inbound?.denyUnknownDestinations) {
      this.#becomeTcp(passthroughTarget(context, address, port));
    } else {
      logDenied(context, this.#connection, this.#destination);
      this.#refuse("destination_denied");
    }
  }

  /** An explicit listener: the service is given. */
  dialService(namespace: string, service: string, port: number): void {
    const { context } = this.#parts;
    const key = outboundKey(namespace, service, port, context.workload.namespace);
    this.#lookup = context.agent.resolveOutbound(key, this.#discoveryTimeoutMs(), (result) =>
      this.#onOutbound(result),
    );
  }

  onData(chunk: Uint8Array): void {
    this.#early = this.#early === undefined ? chunk : Buffer.concat([this.#early, chunk]);
  }

  onDrain(): void {}

  onEnd(): void {
    this.#isEnded = true;
  }

  onClose(): void {
    this.#isClosed = true;
    this.#lookup?.cancel();
  }

  #onAddress(result: Resolved<Address>, address: string, port: number): void {
    if (this.#isClosed) return;
    if (result === "unavailable") {
      this.#refuse("discovery_unavailable");
      return;
    }
    const target = result === "unknown" ? undefined : result.target;
    if (target?.case === "service" && target.value.ports.some((entry) => entry.port === port)) {
      this.dialService(target.value.namespace, target.value.name, port);
    } else if (target?.case === "shared") {
      this.#onShared(target.value.services, port);
    } else if (target?.case === "workload") {
      const cluster = this.#parts.context.upstreams.direct(target.value, address, port);
      const declared = target.value.ports.find((entry) => entry.port === port)?.protocol;
      if (cluster === undefined) this.#refuse("overloaded");
      else this.#onDirect(cluster, declared ?? Protocol.UNSPECIFIED);
    } else {
      this.#refuse("destination_unknown");
    }
  }

  #onDirect(cluster: UpstreamCluster, protocol: Protocol): void {
    const { context } = this.#parts;
    this.#http = new DirectHttp(context, cluster);
    this.#tcp = (session) => this.#tcpTarget(cluster, session, "");
    this.#memoryKey = `${cluster.key}:${cluster.port}`;
    this.#choose(protocol, undefined);
  }

  #onOutbound(result: Resolved<PreparedOutbound>): void {
    if (this.#isClosed) return;
    if (result === "unavailable" || result === "unknown") {
      this.#refuse(result === "unknown" ? "destination_unknown" : "discovery_unavailable");
      return;
    }
    const { context, selector, members } = this.#parts;
    const { outbound, connections } = result;
    const external = ExternalDestination.of(context, result, this.#isVirtual ? undefined : this.#destination);
    if (connections !== undefined) {
      const known = { early: this.#early, isEnded: this.#isEnded, destination: this.#destination };
      serveRoutedConnection({
        ...known,
        connection: this.#connection,
        context,
        members,
        outbound,
        connections,
        external,
      });
      return;
    }
    if (external !== undefined) {
      this.#onExternal(result, external);
      return;
    }
    const cluster = context.upstreams.cluster(outbound.defaultCluster);
    this.#http = new OutboundHttp(context, selector, result);
    this.#tcp =
      cluster &&
      ((session) => this.#tcpTarget(cluster, session, `${outbound.namespace}/${outbound.service}`));
    this.#memoryKey = result.key;
    this.#choose(outbound.protocol, cluster);
  }

  #onExternal(prepared: PreparedOutbound, external: ExternalDestination): void {
    const { context, selector } = this.#parts;
    const { outbound } = prepared;
    const target = (session: SessionProtocol, name: string): TcpTarget | undefined => {
      const cluster = external.toward(outbound.defaultCluster, name);
      return cluster && this.#tcpTarget(cluster, session, `${outbound.namespace}/${outbound.service}`);
    };
    if (outbound.protocol === Protocol.TLS && external.needsName) {
      this.#readServerName((name) => {
        if (external.mayCall(name)) this.#becomeTcp(target(SessionProtocol.TCP, name));
        else this.#refuse("destination_denied", refuseServerName);
      });
      return;
    }
    this.#http = new ExternalHttp(new OutboundHttp(context, selector, prepared), external);
    this.#tcp = (session) => target(session, "");
    this.#memoryKey = prepared.key;
    // A silent client's endpoint cannot be dialled before it has said a name.
    if (external.isByName && outbound.protocol !== Protocol.TCP) this.#becomeHttp(this.#early);
    else this.#choose(outbound.protocol, undefined);
  }

  /** External services at one address. */
  #onShared(services: readonly ServiceTarget[], port: number): void {
    const address = new SharedAddress(services, port);
    const dial = (service: ServiceTarget | undefined): void => {
      if (service === undefined) this.#refuse("destination_denied");
      else this.dialService(service.namespace, service.name, port);
    };
    if (address.isUnread) {
      dial(address.unnamed);
      return;
    }
    const { context, members } = this.#parts;
    readSharedName(this.#connection, context, members, {
      address,
      early: this.#early,
      onRead: (service, read) => {
        this.#takeBack(read);
        dial(service);
      },
    });
  }

  #readServerName(done: (name: string) => void): void {
    const { context, members } = this.#parts;
    ServerNameReader.start(this.#connection, context, members, {
      early: this.#early,
      listener: {
        onServerName: (name, read) => {
          this.#takeBack(read);
          done(name ?? "");
        },
        onNoHello: (reason) => context.metrics.refused("outbound", reason),
      },
    });
  }

  /** From whoever read its first bytes. */
  #takeBack(read: Uint8Array | undefined): void {
    this.#early = read;
    this.#connection.sink = this;
    this.#connection.pause();
  }

  #choose(protocol: Protocol, cluster: UpstreamCluster | undefined): void {
    const { context } = this.#parts;
    const hasHeader = cluster !== undefined && proxyVersion(context, cluster) !== undefined;
    const read = readAs(protocol, hasHeader);
    if (read === "bytes") this.#becomeTcp(this.#tcp?.(SessionProtocol.TCP));
    else if (read === "http" && context.protocols.recall(this.#memoryKey) === "http")
      this.#becomeHttp(this.#early);
    else this.#detect(read === "http");
  }

  #detect(isDeclaredHttp: boolean): void {
    const { context, members } = this.#parts;
    const detection = {
      connection: this.#connection,
      context,
      members,
      key: this.#memoryKey,
      isDeclaredHttp,
      target: (protocol: SessionProtocol) => this.#tcp?.(protocol),
      onHttp: (alreadyRead: Uint8Array) => this.#becomeHttp(alreadyRead),
      onNoTarget: () => this.#refuse("no_endpoint"),
      onServerFirst: () => {
        if (this.#http !== undefined) refuseServerFirst(this.#connection, context, this.#http);
      },
    };
    ProtocolDetector.start(detection, this.#early, this.#isEnded);
  }

  #becomeHttp(alreadyRead: Uint8Array | undefined): void {
    const { context, members } = this.#parts;
    if (this.#http === undefined || this.#isEnded) {
      this.#connection.close();
      return;
    }
    const isHonoured = context.agent.snapshot.mesh?.honourRequestOverrides === true;
    const service = isHonoured ? new OverridingHttp(this.#http) : this.#http;
    serveHttp(this.#connection, context, service, { members, alreadyRead });
  }

  #becomeTcp(target: TcpTarget | undefined): void {
    if (target === undefined) {
      this.#refuse("no_endpoint");
      return;
    }
    const { context, members } = this.#parts;
    new TcpSession(this.#connection, context, target, members).start(this.#early, this.#isEnded);
  }

  #tcpTarget(cluster: UpstreamCluster, protocol: SessionProtocol, service: string): TcpTarget {
    const { context } = this.#parts;
    const options = { route: "", protocol: "tcp" as const, port: cluster.port };
    return {
      cluster,
      protocol,
      sourceIdentity: context.identity,
      ...(this.#destination && { destination: this.#destination }),
      edge: (endpoint: UpstreamEndpoint | undefined) =>
        endpoint === undefined
          ? unreachedEdge(context, { ...options, service })
          : outboundEdge(context, endpoint, options),
    };
  }

  #discoveryTimeoutMs(): number {
    return this.#parts.context.agent.snapshot.mesh?.discoveryTimeoutMs || defaultDiscoveryTimeoutMs;
  }

  /** There is no protocol to say it in: a reset, and a count with the reason. */
  #refuse(reason: ReasonCode, end = terminate): void {
    this.#parts.context.metrics.refused("outbound", reason);
    end(this.#connection);
  }
}

function terminate(connection: Connection): void {
  connection.terminate();
}
