/** Groups the listeners of all gateways by the socket that they share. A group that did not change keeps its tables. */
import {
  ConnectionTable,
  type GatewayPlace,
  listenerId,
  ListenerTable,
  placesOf,
  VirtualHostTable,
} from "../../decide/index.ts";
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
  readonly #groups: ReadonlyMap<string, Group>;

  private constructor(groups: ReadonlyMap<string, Group>, unserved: readonly string[]) {
    this.#groups = groups;
    this.unserved = unserved;
    this.all = [...groups.values()].map(({ port }) => port);
  }

  static readonly none = new GatewayPorts(new Map(), []);

  /** `gateways` in the order of their names: where two claim one hostname, or one port for different things, the first keeps it. */
  next(gateways: readonly PreparedGateway[], certificates: Certificates): GatewayPorts {
    const { places, unserved } = placesOf(gateways.flatMap(({ listeners }) => listeners));
    const groups = new Map<string, Group>();
    for (const [key, place] of places) {
      groups.set(key, prepareGroup(place, certificates, this.#groups.get(key), [...groups.values()]));
    }
    return new GatewayPorts(groups, [...unserved]);
  }
}

/** `done`: the groups before it, of which one may have the same listeners at another address. */
function prepareGroup(
  { address, listeners }: GatewayPlace<PreparedListener>,
  all: Certificates,
  before: Group | undefined,
  done: readonly Group[],
): Group {
  const certificates = listeners.flatMap(({ listener }) =>
    (listener.tls?.certificates ?? []).map((key) => all.get(key)),
  );
  if (before !== undefined && isSameList(before.listeners, listeners)) {
    if (isSameList(before.certificates, certificates)) return before;
    // A rotation: routes stay prepared.
    const tls = prepareTls(
      listeners.map(({ listener }) => listener),
      all,
    );
    return { listeners, certificates, port: { ...before.port, tls } };
  }
  const twin = done.at(-1);
  const port =
    twin !== undefined && isSameList(twin.listeners, listeners)
      ? { ...twin.port, address }
      : preparePort(listeners, all, address);
  return { listeners, certificates, port };
}

function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}

function preparePort(
  prepared: readonly PreparedListener[],
  certificates: Certificates,
  address: string,
): PreparedGatewayPort {
  const listeners = prepared.map(({ listener }) => listener);
  const [first] = listeners;
  const tls = prepareTls(listeners, certificates);
  const admissions = ofListeners(prepared, ({ admission }) => admission);
  const telemetry = ofListeners(prepared, (listener) => listener.telemetry);
  return {
    port: first?.port ?? 0,
    protocol: tls === undefined ? (first?.protocol ?? Protocol.UNSPECIFIED) : Protocol.TLS,
    address,
    proxyProtocol: first?.proxyProtocol ?? false,
    hosts: VirtualHostTable.of(prepared.flatMap(({ hosts }) => hosts)),
    tls,
    connections: listeners.some((listener) => listener.connections !== undefined)
      ? ConnectionTable.prepare(listeners)
      : undefined,
    admissions: admissions?.byId,
    connectionAdmissions: admissions?.byName,
    telemetry: telemetry?.byId,
    connectionTelemetry: telemetry?.byName,
  };
}

interface OfListeners<T> {
  readonly byId: ReadonlyMap<string, T>;
  /** For connections whose server name alone tells the listener. */
  readonly byName: ListenerTable<T | undefined>;
}

/** Undefined: no listener has any. */
function ofListeners<T extends object>(
  prepared: readonly PreparedListener[],
  pick: (listener: PreparedListener) => T | undefined,
): OfListeners<T> | undefined {
  const byId = new Map<string, T>();
  for (const each of prepared) {
    const picked = pick(each);
    if (picked !== undefined) byId.set(listenerId(each.listener), picked);
  }
  if (byId.size === 0) return undefined;
  const listeners = prepared.map(({ listener }) => listener);
  return { byId, byName: ListenerTable.prepare(listeners, (listener) => byId.get(listenerId(listener))) };
}

function prepareTls(
  listeners: readonly GatewayListener[],
  certificates: Certificates,
): PreparedPortTls | undefined {
  return listeners.some(({ tls }) => tls !== undefined)
    ? PreparedPortTls.prepare(listeners, certificates)
    : undefined;
}
