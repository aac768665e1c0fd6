/**
 * What the proxy runs at one moment: immutable, replaced as a whole, read without a lock. A request keeps the one that
 * it started with. Everything that costs something to prepare was prepared when its resource changed, and what did not
 * change is the same object in the next snapshot, so that the data path can compare by reference.
 */
import type {
  ConnectionTable,
  InboundTable,
  ListenerTable,
  PreparedVirtualHost,
  RouteTable,
  ServiceConnections,
  VirtualHostTable,
} from "../../decide/index.ts";
import type {
  Address,
  Admission,
  Cluster,
  Endpoint,
  GatewayListener,
  Inbound,
  Mesh,
  Name,
  Outbound,
  Protocol,
  Telemetry,
} from "../../model/index.ts";
import type { CertificateSummary } from "./gateway-certificate.ts";
import type { PreparedPortTls } from "./port-tls.ts";

/** The control plane answered that there is no such thing. */
export type Unknown = "unknown";

export interface PreparedOutbound {
  readonly key: string;
  /** Without its routes: they are in `routes` and `connections`. */
  readonly outbound: Omit<Outbound, "http" | "connections">;
  /** Undefined: no route about requests is attached, they all go to `outbound.defaultCluster`. */
  readonly routes: RouteTable | undefined;
  /** Undefined: no route about connections is attached. Else there are no requests here: nothing is read as HTTP. */
  readonly connections: ServiceConnections | undefined;
}

/** With thousands of routes the virtual hosts are most of the message, and nobody reads them again once they are prepared. */
export interface PreparedGateway {
  /** "namespace/name" */
  readonly name: string;
  /** Of its infrastructure. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly listeners: readonly PreparedListener[];
  /** Of its listeners and of their rules. */
  readonly admissions: readonly Admission[];
}

export interface PreparedListener {
  /** Its `virtualHosts` are empty. */
  readonly listener: GatewayListener;
  readonly hosts: readonly PreparedVirtualHost[];
  /** What is asked of its requests and connections; undefined: nothing. */
  readonly admission: ListenerAdmission | undefined;
  /** What its Gateway says of what is told; undefined: nothing. */
  readonly telemetry: Telemetry | undefined;
}

export interface ListenerAdmission {
  readonly admission: Admission;
  /** "namespace/name" of the gateway whose listener it is. */
  readonly gateway: string;
}

/**
 * All listeners of all gateways that share one port at one address: they share one socket. Those that cannot share it with
 * the first of them (plaintext beside TLS, HTTP beside TCP, with and without PROXY protocol) are left out.
 */
export interface PreparedGatewayPort {
  readonly port: number;
  /** HTTP, TCP or UDP in plaintext; TLS where `tls` is set, which then tells for each connection what is inside. */
  readonly protocol: Protocol;
  /** Empty: the proxy's own gateway address. */
  readonly address: string;
  /** Every connection begins with a PROXY protocol header, before TLS; one that does not is to be closed. */
  readonly proxyProtocol: boolean;
  /** Where requests go. Which listener a virtual host is of says `PreparedVirtualHost.listener`. */
  readonly hosts: VirtualHostTable;
  /** Undefined: plaintext. */
  readonly tls: PreparedPortTls | undefined;
  /** Where connections or datagrams go that are not read as HTTP; undefined: no listener takes such. */
  readonly connections: ConnectionTable | undefined;
  /** Of the listeners that have any, by `listenerId`. Undefined: none has. */
  readonly admissions: ReadonlyMap<string, ListenerAdmission> | undefined;
  /** The same for connections that are not read as HTTP, by server name. Undefined: none has. */
  readonly connectionAdmissions: ListenerTable<ListenerAdmission | undefined> | undefined;
  /** What Gateways say of what is told, by `listenerId`. Undefined: none says anything. */
  readonly telemetry: ReadonlyMap<string, Telemetry> | undefined;
  /** The same for connections that are not read as HTTP, by server name. */
  readonly connectionTelemetry: ListenerTable<Telemetry | undefined> | undefined;
}

export interface Snapshot {
  /** The newest revision of operators' resources that is in here; 0 before the first commit. */
  readonly revision: number;
  readonly mesh: Mesh | undefined;
  /** This workload's own; undefined in a gateway and before the first commit. */
  readonly inbound: Inbound | undefined;
  readonly inboundTable: InboundTable | undefined;
  readonly gateways: readonly PreparedGateway[];
  readonly gatewayPorts: readonly PreparedGatewayPort[];
  /** "namespace/gateway/listener" of listeners that are in no port, because another Gateway has the port for something else. */
  readonly unservedListeners: readonly string[];
  /** Of the gateways, in the order of their names; without keys, to be shown. */
  readonly certificates: readonly CertificateSummary[];
  /** `ip` in canonical text. Undefined: not known yet, ask with `Agent.resolveAddress`. */
  lookupAddress(ip: string): Address | Unknown | undefined;
  /** `fqdn` in lower case without the final dot. Undefined: not known yet. */
  name(fqdn: string): Name | Unknown | undefined;
  /** `key` as `outboundKey` writes it. A known outbound's clusters are in the same snapshot. */
  outbound(key: string): PreparedOutbound | Unknown | undefined;
  cluster(key: string): Cluster | undefined;
  /** In the order of their keys. The same array as in the snapshot before where no member changed; empty where there is none. */
  endpoints(clusterKey: string): readonly Endpoint[];
  /** Keys of every cluster, for those that keep pools and health beside them and must let go of what went. */
  clusterKeys(): Iterable<string>;
}
