/**
 * The one kind of Snapshot there is, and how the next comes from the one before: tables in which nothing changed are
 * shared, and within the endpoints each cluster's list is.
 */
import { InboundTable } from "../../decide/index.ts";
import {
  type Address,
  type Cluster,
  type Endpoint,
  endpointKey,
  type Inbound,
  type Mesh,
  type Name,
} from "../../model/index.ts";
import type { CertificateSummary, GatewayCertificate } from "./gateway-certificate.ts";
import { GatewayPorts } from "./gateway-ports.ts";
import { type Edit, EditLists, type ResourceChange } from "./resource-change.ts";
import type {
  PreparedGateway,
  PreparedGatewayPort,
  PreparedOutbound,
  Snapshot,
  Unknown,
} from "./snapshot.ts";

interface Tables {
  readonly revision: number;
  readonly mesh: Mesh | undefined;
  readonly inbound: Inbound | undefined;
  readonly inboundTable: InboundTable | undefined;
  readonly gateways: ReadonlyMap<string, PreparedGateway>;
  readonly certificates: ReadonlyMap<string, GatewayCertificate>;
  readonly ports: GatewayPorts;
  readonly addresses: ReadonlyMap<string, Address | Unknown>;
  readonly names: ReadonlyMap<string, Name | Unknown>;
  readonly outbounds: ReadonlyMap<string, PreparedOutbound | Unknown>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
}

const noEndpoints: readonly Endpoint[] = [];

export class LiveSnapshot implements Snapshot {
  readonly revision: number;
  readonly mesh: Mesh | undefined;
  readonly inbound: Inbound | undefined;
  readonly inboundTable: InboundTable | undefined;
  readonly gateways: readonly PreparedGateway[];
  readonly gatewayPorts: readonly PreparedGatewayPort[];
  readonly unservedListeners: readonly string[];
  readonly certificates: readonly CertificateSummary[];
  readonly #tables: Tables;

  private constructor(
    tables: Tables,
    gateways: readonly PreparedGateway[],
    summaries: readonly CertificateSummary[],
  ) {
    this.revision = tables.revision;
    this.mesh = tables.mesh;
    this.inbound = tables.inbound;
    this.inboundTable = tables.inboundTable;
    this.gateways = gateways;
    this.gatewayPorts = tables.ports.all;
    this.unservedListeners = tables.ports.unserved;
    this.certificates = summaries;
    this.#tables = tables;
  }

  static readonly empty = new LiveSnapshot(
    {
      revision: 0,
      mesh: undefined,
      inbound: undefined,
      inboundTable: undefined,
      gateways: new Map(),
      certificates: new Map(),
      ports: GatewayPorts.none,
      addresses: new Map(),
      names: new Map(),
      outbounds: new Map(),
      clusters: new Map(),
      endpoints: new Map(),
    },
    [],
    [],
  );

  lookupAddress(ip: string): Address | Unknown | undefined {
    return this.#tables.addresses.get(ip);
  }

  name(fqdn: string): Name | Unknown | undefined {
    return this.#tables.names.get(fqdn);
  }

  outbound(key: string): PreparedOutbound | Unknown | undefined {
    return this.#tables.outbounds.get(key);
  }

  cluster(key: string): Cluster | undefined {
    return this.#tables.clusters.get(key);
  }

  endpoints(clusterKey: string): readonly Endpoint[] {
    return this.#tables.endpoints.get(clusterKey) ?? noEndpoints;
  }

  clusterKeys(): Iterable<string> {
    return this.#tables.clusters.keys();
  }

  /** `ownAddresses`: the workload's, in canonical text. A later change of one resource wins over an earlier one. */
  with(changes: readonly ResourceChange[], revision: number, ownAddresses: readonly string[]): LiveSnapshot {
    const before = this.#tables;
    const edits = new EditLists(changes);
    const mesh = edited(before.mesh, edits.mesh);
    const inbound = edited(before.inbound, edits.inbound);
    const isSameInbound = inbound === before.inbound && hasSameDomains(mesh, before.mesh);
    const gateways = editedTable(before.gateways, edits.gateways);
    const gatewayList = gateways === before.gateways ? this.gateways : sortedValues(gateways);
    const certificates = editedCertificates(before.certificates, edits.certificates);
    const hasSameTls = certificates === before.certificates;
    return new LiveSnapshot(
      {
        revision,
        mesh,
        inbound,
        inboundTable: isSameInbound ? before.inboundTable : prepareInbound(inbound, mesh, ownAddresses),
        gateways,
        certificates,
        ports:
          gateways === before.gateways && hasSameTls
            ? before.ports
            : before.ports.next(gatewayList, certificates),
        addresses: editedTable(before.addresses, edits.addresses),
        names: editedTable(before.names, edits.names),
        outbounds: editedTable(before.outbounds, edits.outbounds),
        clusters: editedTable(before.clusters, edits.clusters),
        endpoints: editedEndpoints(before.endpoints, edits.endpoints),
      },
      gatewayList,
      hasSameTls ? this.certificates : sortedValues(certificates).map((each) => each.summary),
    );
  }
}

/** Of the kinds of which a proxy has one. */
function edited<V>(before: V | undefined, edits: readonly Edit<V>[]): V | undefined {
  const last = edits.at(-1);
  return last === undefined ? before : last.value;
}

function editedTable<V>(before: ReadonlyMap<string, V>, edits: readonly Edit<V>[]): ReadonlyMap<string, V> {
  if (edits.length === 0) return before;
  const after = new Map(before);
  for (const { name, value } of edits) {
    if (value === undefined) after.delete(name);
    else after.set(name, value);
  }
  return after;
}

/** One that says the same stays the same object: TLS contexts are cached by it. */
function editedCertificates(
  before: ReadonlyMap<string, GatewayCertificate>,
  edits: readonly Edit<GatewayCertificate>[],
): ReadonlyMap<string, GatewayCertificate> {
  const changes = edits.filter(({ name, value }) => {
    const known = before.get(name);
    return known === undefined || value === undefined || !value.isSame(known);
  });
  return editedTable(before, changes);
}

function editedEndpoints(
  before: ReadonlyMap<string, readonly Endpoint[]>,
  edits: readonly Edit<Endpoint>[],
): ReadonlyMap<string, readonly Endpoint[]> {
  if (edits.length === 0) return before;
  const byCluster = new Map<string, Edit<Endpoint>[]>();
  for (const edit of edits) {
    const cluster = clusterOfEndpoint(edit.name);
    const list = byCluster.get(cluster);
    if (list === undefined) byCluster.set(cluster, [edit]);
    else list.push(edit);
  }
  const after = new Map(before);
  for (const [cluster, ofCluster] of byCluster) {
    const members = new Map(
      (before.get(cluster) ?? noEndpoints).map((each) => [endpointKey(cluster, each.workload), each]),
    );
    const list = sortedValues(editedTable(members, ofCluster));
    if (list.length === 0) after.delete(cluster);
    else after.set(cluster, list);
  }
  return after;
}

/** "<namespace>/<service>:<port>/<namespace>/<workload>" without its last two parts. */
function clusterOfEndpoint(name: string): string {
  return name.split("/").slice(0, 2).join("/");
}

function sortedValues<V>(table: ReadonlyMap<string, V>): readonly V[] {
  return [...table].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
}

function hasSameDomains(a: Mesh | undefined, b: Mesh | undefined): boolean {
  return (
    a?.trustDomain === b?.trustDomain && a?.trustDomainAliases.join(" ") === b?.trustDomainAliases.join(" ")
  );
}

function prepareInbound(
  inbound: Inbound | undefined,
  mesh: Mesh | undefined,
  addresses: readonly string[],
): InboundTable | undefined {
  if (inbound === undefined || mesh === undefined) return undefined;
  return InboundTable.prepare(inbound, {
    trustDomain: mesh.trustDomain,
    trustDomainAliases: mesh.trustDomainAliases,
    addresses,
  });
}
