/**
 * What Bun and BoringSSL report, as our causes and reason codes: the only place that knows their codes. Never by
 * message text; BoringSSL's packed error number is read from the fixed field in which Bun hands it over.
 */
import type { ErrorCode, ReasonCode } from "../kernel/index.ts";

/**
 * Why a connection ended. `ended`: both sides sent FIN. `reset`: by the peer. `local`: by `close` or `terminate` here.
 * `timeout`: nothing moved for too long. `tls`: the session broke after its handshake.
 */
export type CloseCause = "ended" | "reset" | "refused" | "timeout" | "tls" | "local" | "unreachable";

const closeCauses: Readonly<Record<string, CloseCause>> = {
  ECONNRESET: "reset",
  EPIPE: "reset",
  ECONNABORTED: "reset",
  ECONNREFUSED: "refused",
  ENOENT: "refused", // a Unix socket that is not there
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ENOTFOUND: "unreachable", // the name does not resolve
  EPROTO: "tls",
};

const listenCodes: Readonly<Record<string, ErrorCode>> = {
  EADDRINUSE: "address_in_use",
  EACCES: "permission",
  EPERM: "permission",
  EADDRNOTAVAIL: "unavailable",
};

/** Linux numbers, for sockets that we make ourselves. */
const errnoNames: Readonly<Record<number, string>> = {
  1: "EPERM",
  13: "EACCES",
  22: "EINVAL",
  24: "EMFILE",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  101: "ENETUNREACH",
  104: "ECONNRESET",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  113: "EHOSTUNREACH",
};

/** Reasons of BoringSSL's library 16 (SSL): the low 12 bits of the packed number. */
const sslPeerDidNotReturnCertificate = 0x0c0;
const sslHttpRequest = 0x09c;

export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

export function errnoName(errno: number): string {
  return errnoNames[errno] ?? `errno ${errno}`;
}

/** `undefined` as error means that both sides ended in good order. */
export function closeCause(error: unknown): CloseCause {
  if (error === undefined || error === null) return "ended";
  return closeCauses[errorCode(error) ?? ""] ?? "reset";
}

export function listenErrorCode(error: unknown): ErrorCode {
  return listenCodes[errorCode(error) ?? ""] ?? "io";
}

export function isTlsError(error: unknown): boolean {
  return errorCode(error) === "EPROTO";
}

/** Why a server's handshake failed; `hasCertificate`: the client showed one. */
export function serverHandshakeReason(error: unknown, hasCertificate: boolean): ReasonCode {
  const code = errorCode(error);
  if (code === "EPROTO") {
    const reason = sslReason(error);
    const isPlain = reason === sslPeerDidNotReturnCertificate || reason === sslHttpRequest;
    return isPlain ? "mtls_required" : "tls_handshake_failed";
  }
  if (code === "ECONNRESET" || code === "EPIPE") return "tls_handshake_failed"; // the client left
  return hasCertificate ? "peer_untrusted" : "mtls_required";
}

function sslReason(error: unknown): number | undefined {
  const packed = error instanceof Error ? /^error:([0-9a-f]{8}):/.exec(error.message)?.[1] : undefined;
  return packed === undefined ? undefined : Number.parseInt(packed, 16) & 0xfff;
}
