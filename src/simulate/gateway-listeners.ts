/** Which listener of a Gateway takes a client's connection, as the gateway's proxy has them on its sockets. */
import { admissionAt, listenerId, ListenerTable, placesOf } from "../decide/index.ts";
import { type Admission, type Gateway, type GatewayListener, Protocol, TlsMode } from "../model/index.ts";
import { canonicalIp } from "../kernel/index.ts";
import type { Scene } from "./scene.ts";
import type { Wanted } from "./wanted.ts";

export interface OwnedListener {
  readonly listener: GatewayListener;
  readonly gateway: Gateway;
  /** "namespace/name" */
  readonly owner: string;
}

export type Arrival =
  | {
      readonly kind: "refused";
      readonly reason: "no_route" | "protocol_mismatch" | "tls_handshake_failed";
      readonly detail: string;
    }
  | {
      readonly kind: "http" | "bytes";
      /** All that share the socket. */
      readonly listeners: readonly OwnedListener[];
      /** The one that the server name tells; of a plaintext port the first. */
      readonly own: OwnedListener;
      /** As `listenerId` writes it, where TLS ends here. */
      readonly tlsListener: string | undefined;
      readonly notes: readonly string[];
    };

/** A proxy of gateways serves all Gateways of its class; where two want one port for different things, the first by name keeps it. */
export function arriveAt(scene: Scene, gateway: string, wanted: Wanted): Arrival {
  const all = scene.mesh.gateways().flatMap((owner): OwnedListener[] => {
    const model = scene.mesh.get("Gateway", owner);
    return model === undefined
      ? []
      : model.listeners.map((listener) => ({ listener, gateway: model, owner }));
  });
  const { places, unserved } = placesOf(all.filter(({ listener }) => listener.protocol !== Protocol.UDP));
  const asked = canonicalIp(wanted.host);
  const here = [...places.values()].filter(({ listeners }) =>
    listeners.some(({ listener, owner }) => owner === gateway && listener.port === wanted.port),
  );
  const place = here.find(({ address }) => address === asked) ?? here[0];
  if (place === undefined)
    return { kind: "refused", reason: "no_route", detail: missing(all, gateway, wanted, unserved) };
  const { listeners } = place;
  const isTlsPort = listeners.some(({ listener }) => listener.tls !== undefined);
  return isTlsPort ? overTls(scene, listeners, wanted) : inPlaintext(listeners, wanted);
}

function missing(
  all: readonly OwnedListener[],
  gateway: string,
  { port }: Wanted,
  unserved: ReadonlySet<string>,
): string {
  const own = all.filter(({ owner }) => owner === gateway);
  if (own.length === 0) return `there is no Gateway ${gateway} of a class of weft's, or it has no listener`;
  const lost = own.find(({ listener }) => listener.port === port && unserved.has(listenerId(listener)));
  if (lost !== undefined)
    return `another Gateway has port ${port} for something else, so listener ${lost.listener.name} is not served`;
  const ports = [...new Set(own.map(({ listener }) => listener.port))].toSorted((a, b) => a - b);
  return `no listener of Gateway ${gateway} has port ${port}; it has ${ports.join(", ")}`;
}

function inPlaintext(listeners: readonly OwnedListener[], { spoken, scheme }: Wanted): Arrival {
  const [own] = listeners;
  if (own === undefined) return { kind: "refused", reason: "no_route", detail: "no listener" };
  if (own.listener.protocol !== Protocol.HTTP) {
    return { kind: "bytes", listeners, own, tlsListener: undefined, notes: [] };
  }
  if (scheme === "tls" || spoken === "tcp") {
    const detail = `the listener speaks plaintext HTTP, and the client speaks ${scheme === "tls" ? "TLS" : "something else"}`;
    return { kind: "refused", reason: "protocol_mismatch", detail };
  }
  return { kind: "http", listeners, own, tlsListener: undefined, notes: [] };
}

function overTls(
  scene: Scene,
  listeners: readonly OwnedListener[],
  { serverName, scheme, spoken }: Wanted,
): Arrival {
  if (scheme === "plain") {
    const detail = "the port speaks TLS, and the client does not";
    return { kind: "refused", reason: "tls_handshake_failed", detail };
  }
  const table = ListenerTable.prepare(
    listeners.map(({ listener }) => listener),
    (listener) => listeners.find((each) => each.listener === listener),
  );
  const own = table.select(serverName);
  if (own === undefined) {
    const detail =
      serverName === undefined
        ? "the client says no server name, and every listener asks for one"
        : `no listener has the server name ${serverName}`;
    return { kind: "refused", reason: "no_route", detail };
  }
  const { tls, protocol } = own.listener;
  if (tls?.mode === TlsMode.PASSTHROUGH)
    return { kind: "bytes", listeners, own, tlsListener: undefined, notes: [] };
  const certificates = tls?.certificates ?? [];
  if (!certificates.some((key) => scene.mesh.get("Certificate", key) !== undefined)) {
    return {
      kind: "refused",
      reason: "no_route",
      detail: "none of the listener's certificates is there to be shown",
    };
  }
  const notes =
    tls?.clients === undefined
      ? []
      : [
          "the listener asks clients for a certificate; the client is taken to show a valid one that names nobody",
        ];
  const isHttp = protocol === Protocol.HTTP;
  if (isHttp && spoken === "tcp") {
    return { kind: "refused", reason: "protocol_mismatch", detail: "the listener speaks HTTP inside of TLS" };
  }
  return { kind: isHttp ? "http" : "bytes", listeners, own, tlsListener: listenerId(own.listener), notes };
}

export function listenerAdmission({ gateway, listener }: OwnedListener): Admission | undefined {
  return admissionAt(gateway.admissions, listener.admission);
}
