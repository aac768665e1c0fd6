/** Which listeners share a socket: all those of one address and port that its first bytes can tell apart. */
import { type GatewayListener, Protocol } from "../model/index.ts";
import { listenerId } from "./listener-table.ts";

export interface GatewayPlace<L> {
  /** Empty: the proxy's own. */
  readonly address: string;
  readonly listeners: L[];
}

export interface GatewayPlaces<L> {
  readonly places: ReadonlyMap<string, GatewayPlace<L>>;
  /** As `listenerId` writes them: those that cannot share their port with one that came before. */
  readonly unserved: ReadonlySet<string>;
}

/** `listeners` in the order of their gateways' names: of two that want one port for different things, the first keeps it. */
export function placesOf<L extends { readonly listener: GatewayListener }>(
  listeners: Iterable<L>,
): GatewayPlaces<L> {
  const places = new Map<string, GatewayPlace<L>>();
  const unserved = new Set<string>();
  for (const prepared of listeners) {
    const { listener } = prepared;
    for (const address of listener.addresses.length === 0 ? [""] : listener.addresses) {
      const key = `${isDatagram(listener) ? "udp" : "tcp"} ${listener.port} ${address}`;
      const place = places.get(key);
      const first = place?.listeners[0];
      if (place === undefined) places.set(key, { address, listeners: [prepared] });
      else if (first !== undefined && canShare(first.listener, listener)) place.listeners.push(prepared);
      else unserved.add(listenerId(listener));
    }
  }
  return { places, unserved };
}

function isDatagram({ protocol }: GatewayListener): boolean {
  return protocol === Protocol.UDP;
}

/** A socket's first bytes are a PROXY header or not, TLS or not; without TLS they are HTTP or not. */
function canShare(a: GatewayListener, b: GatewayListener): boolean {
  // Nothing in a datagram tells whose it is.
  if (isDatagram(a)) return false;
  if (a.proxyProtocol !== b.proxyProtocol || (a.tls === undefined) !== (b.tls === undefined)) return false;
  return a.tls !== undefined || a.protocol === b.protocol;
}
