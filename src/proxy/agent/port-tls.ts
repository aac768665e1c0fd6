/**
 * TLS of one gateway port: the server name tells the listener, and the listener whether TLS ends here, with which
 * certificate, and what is inside. The answer for a name is one object for as long as the port is the same.
 */
import { listenerId, ListenerTable, normalizeServerName } from "../../decide/index.ts";
import {
  ClientValidationMode,
  type GatewayListener,
  type ListenerTls,
  Protocol,
  TlsMode,
  TlsVersion,
} from "../../model/index.ts";
import { acceptsKey, type ClientHello, type TlsIdentity } from "../../net/index.ts";
import type { GatewayCertificate } from "./gateway-certificate.ts";

export type PortTlsChoice =
  | {
      readonly mode: "terminate";
      /** As in `PreparedVirtualHost.listener`: requests for a host of another listener are misdirected. */
      readonly listener: string;
      /** The same object as long as the certificate is unchanged. */
      readonly identity: TlsIdentity;
      readonly minVersion: "1.2" | "1.3";
      /** What is asked of clients; where it is not "none", the identity says whom to trust. */
      readonly clientCertificate: "none" | "required" | "unverified";
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
   * `serverName` as the client sent it, undefined where it sent none; `hello` tells which certificates it can verify. Undefined:
   * no listener has the name, or its certificates are not here; the handshake is to be refused.
   */
  select(serverName: string | undefined, hello?: ClientHello): PortTlsChoice | undefined {
    const choices = this.#listeners.select(serverName);
    if (choices === undefined || choices.passthrough !== undefined) return choices?.passthrough;
    if (choices.certificates.length < 2) return choices.certificates[0]?.choice;
    return bestMatch(choices.certificates, serverName, hello)?.choice;
  }
}

/**
 * Gateway API: of the certificates for the name the one with the longest match, where a whole name is longer than any
 * wildcard that covers it; of several, the first that the client can verify.
 */
function bestMatch(
  certificates: readonly ListenerCertificate[],
  serverName: string | undefined,
  hello: ClientHello | undefined,
): ListenerCertificate | undefined {
  const usable =
    hello === undefined
      ? certificates
      : certificates.filter(({ certificate }) => acceptsKey(hello, certificate.summary.keyKind));
  const name = serverName === undefined ? undefined : normalizeServerName(serverName);
  for (const candidates of [usable, certificates]) {
    const match =
      name === undefined
        ? undefined
        : (candidates.find(({ certificate }) => certificate.isExactlyFor(name)) ??
          candidates.find(({ certificate }) => certificate.isFor(name)));
    if (match !== undefined) return match;
  }
  return usable[0] ?? certificates[0];
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
    const clients = tls?.clients;
    // Without anchors the system's own would be taken.
    if (certificate === undefined || clients?.caPem === "") return [];
    const choice: Terminate = {
      mode: "terminate",
      listener: id,
      identity: clients === undefined ? certificate.identity : certificate.trusting(clients.caPem),
      minVersion: tls?.minVersion === TlsVersion.TLS_VERSION_1_3 ? "1.3" : "1.2",
      clientCertificate: clientCertificateOf(tls),
      protocol: protocol === Protocol.HTTP ? "http" : "tcp",
    };
    return [{ certificate, choice }];
  });
  return { passthrough: undefined, certificates: prepared };
}

function clientCertificateOf(tls: ListenerTls | undefined): Terminate["clientCertificate"] {
  if (tls?.clients === undefined) return "none";
  return tls.clients.mode === ClientValidationMode.INSECURE_FALLBACK ? "unverified" : "required";
}
