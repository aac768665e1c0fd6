/**
 * Our TLS settings in the form that Bun wants, every flag explicit, and the judgement of a finished handshake. Bun's
 * callbacks report success for certificates that did not verify, so a connection passes only if every source agrees.
 */
import { type ReasonCode, WeftError } from "../kernel/index.ts";
import { errorCode, serverHandshakeReason } from "./causes.ts";
import { parsePeerCertificate } from "./certificate-fields.ts";
import type { Connection, Socket } from "./connection.ts";
import type { ClientTls, ServerTls } from "./tls.ts";

/** TLS 1.3, as BoringSSL numbers it. */
const minVersion = 0x0304;
/** SSL_OP_NO_TICKET: a resumed session skips verification, so an expired or withdrawn certificate would pass. */
const noTickets = 0x4000;

/** Bun's own type lacks `minVersion`. */
interface TlsOptions extends Bun.TLSOptions {
  readonly minVersion: number;
}

export function serverTlsOptions(tls: ServerTls): TlsOptions {
  assertVerificationOn();
  const asksForCertificate = tls.clientCertificate !== "none";
  return {
    key: tls.identity.privateKeyPem,
    cert: tls.identity.certChainPem,
    ca: tls.identity.trustRootsPem,
    requestCert: asksForCertificate,
    // With "optional", a client without certificate is let in; one with a bad one is refused below.
    rejectUnauthorized: tls.clientCertificate === "required",
    minVersion,
    secureOptions: asksForCertificate ? noTickets : 0,
    ...alpnOption(tls.alpn),
  };
}

export function clientTlsOptions(tls: ClientTls): TlsOptions {
  assertVerificationOn();
  return {
    ca: tls.trustRootsPem,
    serverName: tls.serverName,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion,
    secureOptions: noTickets,
    ...(tls.identity === undefined
      ? {}
      : { key: tls.identity.privateKeyPem, cert: tls.identity.certChainPem }),
    ...alpnOption(tls.alpn),
  };
}

/** What Bun tells at the end of a handshake; `ok` alone means little. */
interface FinishedHandshake {
  readonly socket: Socket;
  readonly ok: boolean;
  readonly error: unknown;
}

/** Undefined: the client may come in, and `connection` carries what the handshake told. */
export function judgeClient(
  connection: Connection,
  tls: ServerTls,
  { socket, ok, error }: FinishedHandshake,
): ReasonCode | undefined {
  const der = peerDer(socket);
  if (!ok) return serverHandshakeReason(error, der !== undefined);
  connection.alpn = agreedAlpn(socket);
  if (tls.clientCertificate === "none") return undefined;
  if (der === undefined) {
    return tls.clientCertificate === "optional" ? undefined : serverHandshakeReason(error, false);
  }
  if (!isVerified(socket, error)) return "peer_untrusted";
  const peer = parsePeerCertificate(der);
  if (peer === undefined) return "peer_identity_invalid";
  connection.peer = peer;
  return tls.verifyPeer?.(peer);
}

/** Undefined: the server is who it should be. */
export function judgeServer(
  connection: Connection,
  tls: ClientTls,
  { socket, ok, error }: FinishedHandshake,
): { readonly reason: ReasonCode; readonly detail: string } | undefined {
  const der = peerDer(socket);
  if (!ok || !isVerified(socket, error) || der === undefined) {
    return { reason: "upstream_tls_failed", detail: errorCode(error) ?? "certificate not verified" };
  }
  const peer = parsePeerCertificate(der);
  if (peer === undefined) return { reason: "upstream_tls_failed", detail: "certificate not readable" };
  const reason = tls.verifyPeer(peer);
  if (reason !== undefined) {
    return { reason, detail: `peer is ${peer.uriSans.join(" ") || "without identity"}` };
  }
  connection.alpn = agreedAlpn(socket);
  connection.peer = peer;
  return undefined;
}

function isVerified(socket: Socket, error: unknown): boolean {
  return !error && socket.authorized && !socket.getAuthorizationError();
}

function peerDer(socket: Socket): Uint8Array | undefined {
  const certificate: { readonly raw: Uint8Array } | undefined = socket.getPeerX509Certificate();
  return certificate?.raw;
}

function agreedAlpn(socket: Socket): string | undefined {
  return typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : undefined;
}

/** Wire format, RFC 7301 3.1; Bun takes a plain string and negotiates nothing. */
function alpnOption(protocols: readonly string[]): { ALPNProtocols?: Buffer } {
  if (protocols.length === 0) return {};
  return {
    ALPNProtocols: Buffer.concat(
      protocols.map((name) => Buffer.concat([Buffer.from([name.length]), Buffer.from(name, "latin1")])),
    ),
  };
}

/** Bun then accepts every certificate, whatever the flags say. */
function assertVerificationOn(): void {
  if (process.env["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  throw new WeftError("usage", "NODE_TLS_REJECT_UNAUTHORIZED=0 turns certificate checks off", {
    hint: "unset it; weft does not run without them",
  });
}
