/** Groups the listeners of all gateways by the socket that they share. A group that did not change keeps its tables. */
import { ConnectionTable, listenerId, VirtualHostTable } from "../../decide/index.ts";
import { type GatewayListener, Protocol } from "../../model/index.ts";
import type { GatewayCertificate } from "./gateway-certificate.ts";
import { PreparedPortTls } from "./port-tls.ts";
import type { PreparedGateway, PreparedGatewayPort, PreparedListener } from "./snapshot.ts";

type Certificates = ReadonlyMap<string, GatewayCertificate>;

interface Group {
  readonly listeners: readonly PreparedListener[];
  /** Of the listeners, in their order. */
  readonly certificates: readonly (GatewayCertificate | undefined)[];
  readonly port: PreparedGatewayPort;
}

export class GatewayPorts {
  readonly all: readonly PreparedGatewayPort[];
  /** "namespace/gateway/listener" of those that cannot share their port with one that came before. */
  readonly unserved: readonly string[];
  readonly #groups: readonly Group[];

  private constructor(groups: readonly Group[], unserved: readonly string[]) {
    this.#groups = groups;
    this.unserved = unserved;
    this.all = groups.map(({ port }) => port);
  }

  static readonly none = new GatewayPorts([], []);

  /** `gateways` in the order of their names: where two claim one hostname, or one port for different things, the first keeps it. */
  next(gateways: readonly PreparedGateway[], certificates: Certificates): GatewayPorts {
    const byPlace = new Map<string, PreparedListener[]>();
    const unserved: string[] = [];
    for (const gateway of gateways) {
      for (const prepared of gateway.listeners) {
        const { listener } = prepared;
        const place = placeOf(listener);
        const group = byPlace.get(place);
        if (group === undefined) byPlace.set(place, [prepared]);
        else if (group[0] !== undefined && canShare(group[0].listener, listener)) group.push(prepared);
        else unserved.push(listenerId(listener));
      }
    }
    const groups = [...byPlace.values()].map((listeners) => this.#group(listeners, certificates));
    return new GatewayPorts(groups, unserved);
  }

  #group(listeners: readonly PreparedListener[], all: Certificates): Group {
    const certificates = listeners.flatMap(({ listener }) =>
      (listener.tls?.certificates ?? []).map((key) => all.get(key)),
    );
    const before = this.#groups.find((group) => isSameList(group.listeners, listeners));
    if (before === undefined) return { listeners, certificates, port: preparePort(listeners, all) };
    if (isSameList(before.certificates, certificates)) return before;
    // A rotation: routes stay prepared.
    const tls = prepareTls(
      listeners.map(({ listener }) => listener),
      all,
    );
    return { listeners, certificates, port: { ...before.port, tls } };
  }
}

function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}

function placeOf(listener: GatewayListener): string {
  return `${listener.port} ${listener.addresses.toSorted().join(" ")}`;
}

/** A socket's first bytes are a PROXY header or not, TLS or not; without TLS they are HTTP or not. */
function canShare(a: GatewayListener, b: GatewayListener): boolean {
  if (a.proxyProtocol !== b.proxyProtocol || (a.tls === undefined) !== (b.tls === undefined)) return false;
  return a.tls !== undefined || a.protocol === b.protocol;
}

function preparePort(prepared: readonly PreparedListener[], certificates: Certificates): PreparedGatewayPort {
  const listeners = prepared.map(({ listener }) => listener);
  const [first] = listeners;
  const tls = prepareTls(listeners, certificates);
  return {
    port: first?.port ?? 0,
    protocol: tls === undefined ? (first?.protocol ?? Protocol.UNSPECIFIED) : Protocol.TLS,
    addresses: first?.addresses ?? [],
    proxyProtocol: first?.proxyProtocol ?? false,
    hosts: VirtualHostTable.of(prepared.flatMap(({ hosts }) => hosts)),
    tls,
    connections: listeners.some((listener) => listener.connections !== undefined)
      ? ConnectionTable.prepare(listeners)
      : undefined,
  };
}

function prepareTls(
  listeners: readonly GatewayListener[],
  certificates: Certificates,
): PreparedPortTls | undefined {
  return listeners.some(({ tls }) => tls !== undefined)
    ? PreparedPortTls.prepare(listeners, certificates)
    : undefined;
}
