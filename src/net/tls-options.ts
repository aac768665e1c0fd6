/**
 * Our TLS settings in the form that Bun wants, every flag explicit, and the judgement of a finished handshake. Bun's
 * callbacks report success for certificates that did not verify, so a connection passes only if every source agrees.
 */
import { type ReasonCode, WeftError } from "../kernel/index.ts";
import { errorCode, serverHandshakeReason } from "./causes.ts";
import { parsePeerCertificate } from "./certificate-fields.ts";
import type { Connection, Socket } from "./connection.ts";
import type { ClientTls, PeerCertificate, PeerRefusal, ServerTls, TlsCertificate } from "./tls.ts";

/** As BoringSSL numbers them. */
const versionNumbers = { "1.2": 0x0303, "1.3": 0x0304 } as const;
/** SSL_OP_NO_TICKET: a resumed session skips verification, so an expired or withdrawn certificate would pass. */
const noTickets = 0x4000;
/**
 * For TLS 1.2, whose other suites lack forward secrecy or have CBC (RFC 9325 4.2, RFC 9113 appendix A); those of 1.3
 * cannot be chosen. Between AES-128 and ChaCha20 the client has the choice: it knows what its processor is good at.
 */
const suites12 = [
  "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
  "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
].join(":");

/** Bun's own type lacks `minVersion`. */
interface TlsOptions extends Bun.TLSOptions {
  readonly minVersion: number;
}

/** Building one takes as long as a tenth of a handshake, and Bun looks a known one up faster than it reads a new one. */
const serverOptions = new WeakMap<TlsCertificate, Map<string, TlsOptions>>();

export function serverTlsOptions(tls: ServerTls): TlsOptions {
  assertVerificationOn();
  let variants = serverOptions.get(tls.identity);
  if (variants === undefined) {
    variants = new Map();
    serverOptions.set(tls.identity, variants);
  }
  const isResumable = tls.clientCertificate === "none" && tls.resumption === true;
  const variant = `${tls.clientCertificate} ${tls.minVersion ?? ""} ${isResumable} ${tls.alpn.join()}`;
  let options = variants.get(variant);
  if (options === undefined) {
    options = buildServerOptions(tls, isResumable);
    variants.set(variant, options);
  }
  return options;
}

function buildServerOptions(tls: ServerTls, isResumable: boolean): TlsOptions {
  const asks = tls.clientCertificate !== "none";
  return {
    key: tls.identity.privateKeyPem,
    cert: tls.identity.certChainPem,
    ...(asks ? { ca: tls.identity.trustRootsPem } : {}),
    requestCert: asks,
    // With the others a client without certificate is let in; what becomes of one with a bad one is decided below.
    rejectUnauthorized: tls.clientCertificate === "required",
    minVersion: versionNumbers[tls.minVersion ?? "1.3"],
    ciphers: suites12,
    secureOptions: isResumable ? 0 : noTickets,
    ...alpnOption(tls.alpn),
  };
}

export function clientTlsOptions(tls: ClientTls): TlsOptions {
  assertVerificationOn();
  return {
    ca: tls.trustRootsPem,
    serverName: tls.serverName,
    requestCert: true,
    // Bun would end a connection whose certificate has another name; all else is refused below as well.
    rejectUnauthorized: tls.judgesNames !== true,
    minVersion: versionNumbers[tls.minVersion ?? "1.3"],
    ...(tls.minVersion === "1.2" ? { ciphers: suites12 } : {}),
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
): PeerRefusal | undefined {
  const der = peerDer(socket);
  if (!ok) return refusal(serverHandshakeReason(error, der !== undefined), error, socket);
  connection.alpn = agreedAlpn(socket);
  if (tls.clientCertificate === "none") return undefined;
  if (der === undefined) {
    return tls.clientCertificate === "required"
      ? refusal(serverHandshakeReason(error, false), error, socket)
      : undefined;
  }
  const isOptional = tls.clientCertificate === "unverified";
  if (!isVerified(socket, error)) return isOptional ? undefined : refusal("peer_untrusted", error, socket);
  const peer = parsePeerCertificate(der);
  if (peer === undefined) {
    return isOptional
      ? undefined
      : { reason: "peer_identity_invalid", detail: "the certificate's names cannot be read" };
  }
  const reason = tls.verifyPeer?.(peer);
  if (reason !== undefined) return explained(reason, peer);
  connection.peer = peer;
  return undefined;
}

/** With what BoringSSL said of the chain, which of several codes tell, and whom the certificate names. */
function refusal(reason: ReasonCode, error: unknown, socket: Socket): PeerRefusal {
  const der = peerDer(socket);
  const peer = der === undefined ? undefined : parsePeerCertificate(der);
  const code = errorCode(error) ?? errorCode(socket.getAuthorizationError()) ?? "";
  const names = peer === undefined ? "" : describeNames(peer);
  return { reason, detail: [code, names].filter((part) => part !== "").join(", ") };
}

function explained(reason: ReasonCode | PeerRefusal, peer: PeerCertificate): PeerRefusal {
  if (typeof reason === "string") return { reason, detail: describeNames(peer) };
  return { reason: reason.reason, detail: `${reason.detail}, ${describeNames(peer)}` };
}

/** Names were read as printable ASCII, so they cannot end the line; a certificate of a stranger may have long ones. */
const maxNamesLength = 300;

function describeNames({ uriSans }: PeerCertificate): string {
  return `peer is ${uriSans.join(" ").slice(0, maxNamesLength) || "without identity"}`;
}

/** Undefined: the server is who it should be. */
export function judgeServer(
  connection: Connection,
  tls: ClientTls,
  { socket, ok, error }: FinishedHandshake,
): PeerRefusal | undefined {
  const der = peerDer(socket);
  const isRight =
    (ok && isVerified(socket, error)) || (tls.judgesNames === true && isOtherwiseNamed(socket, error));
  if (!isRight || der === undefined) {
    return { reason: "upstream_tls_failed", detail: errorCode(error) ?? "certificate not verified" };
  }
  const peer = parsePeerCertificate(der);
  if (peer === undefined) return { reason: "upstream_tls_failed", detail: "certificate not readable" };
  const reason = tls.verifyPeer(peer);
  if (reason !== undefined) return explained(reason, peer);
  connection.alpn = agreedAlpn(socket);
  connection.peer = peer;
  return undefined;
}

function isVerified(socket: Socket, error: unknown): boolean {
  return !error && socket.authorized && !socket.getAuthorizationError();
}

const otherName = "ERR_TLS_CERT_ALTNAME_INVALID";

/** Nothing else is wrong with it: BoringSSL tells what is wrong with the chain first. */
function isOtherwiseNamed(socket: Socket, error: unknown): boolean {
  return errorCode(error) === otherName && errorCode(socket.getAuthorizationError()) === otherName;
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
