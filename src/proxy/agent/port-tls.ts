/**
 * TLS of one gateway port: the server name tells the listener, and the listener whether TLS ends here, with which
 * certificate, and what is inside. The answer for a name is one object for as long as the port is the same.
 */
import { listenerId, ListenerTable, normalizeServerName } from "../../decide/index.ts";
import { type GatewayListener, Protocol, TlsMode, TlsVersion } from "../../model/index.ts";
import type { TlsIdentity } from "../../net/index.ts";
import type { GatewayCertificate } from "./gateway-certificate.ts";

export type PortTlsChoice =
  | {
      readonly mode: "terminate";
      /** As in `PreparedVirtualHost.listener`: requests for a host of another listener are misdirected. */
      readonly listener: string;
      /** The same object as long as the certificate is unchanged. */
      readonly identity: TlsIdentity;
      readonly minVersion: "1.2" | "1.3";
      /** What is inside: requests for `hosts`, or bytes for `connections`. */
      readonly protocol: "http" | "tcp";
    }
  | { readonly mode: "passthrough"; readonly listener: string };

type Terminate = Extract<PortTlsChoice, { mode: "terminate" }>;

interface ListenerCertificate {
  readonly certificate: GatewayCertificate;
  readonly choice: Terminate;
}

interface ListenerChoices {
  readonly passthrough: PortTlsChoice | undefined;
  readonly certificates: readonly ListenerCertificate[];
}

export class PreparedPortTls {
  readonly #listeners: ListenerTable<ListenerChoices>;

  private constructor(listeners: ListenerTable<ListenerChoices>) {
    this.#listeners = listeners;
  }

  static prepare(
    listeners: readonly GatewayListener[],
    certificates: ReadonlyMap<string, GatewayCertificate>,
  ): PreparedPortTls {
    return new PreparedPortTls(
      ListenerTable.prepare(listeners, (listener) => prepareChoices(listener, certificates)),
    );
  }

  /**
   * `serverName` as the client sent it, undefined where it sent none. Undefined: no listener has the name, or its
   * certificates are not here; the handshake is to be refused.
   */
  select(serverName: string | undefined): PortTlsChoice | undefined {
    const choices = this.#listeners.select(serverName);
    if (choices === undefined || choices.passthrough !== undefined) return choices?.passthrough;
    const [first] = choices.certificates;
    if (serverName === undefined || choices.certificates.length < 2) return first?.choice;
    const name = normalizeServerName(serverName);
    return (choices.certificates.find(({ certificate }) => certificate.isFor(name)) ?? first)?.choice;
  }
}

function prepareChoices(
  listener: GatewayListener,
  certificates: ReadonlyMap<string, GatewayCertificate>,
): ListenerChoices {
  const { protocol, tls } = listener;
  const id = listenerId(listener);
  if (tls?.mode === TlsMode.PASSTHROUGH) {
    return { passthrough: { mode: "passthrough", listener: id }, certificates: [] };
  }
  const prepared = (tls?.certificates ?? []).flatMap((key): ListenerCertificate[] => {
    const certificate = certificates.get(key);
    if (certificate === undefined) return [];
    const choice: Terminate = {
      mode: "terminate",
      listener: id,
      identity: certificate.identity,
      minVersion: tls?.minVersion === TlsVersion.TLS_VERSION_1_3 ? "1.3" : "1.2",
      protocol: protocol === Protocol.HTTP ? "http" : "tcp",
    };
    return [{ certificate, choice }];
  });
  return { passthrough: undefined, certificates: prepared };
}
