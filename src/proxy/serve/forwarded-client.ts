/**
 * What a gateway tells backends of a client's verified certificate: one element of `x-forwarded-client-cert` in Envoy's
 * form. The hash always stands; the other parts do as long as the whole stays small.
 */
import { createHash } from "node:crypto";
import { readCertificateNames } from "../../identity/x509/index.ts";
import type { PeerCertificate } from "../../net/index.ts";

/** Beside other fields it must fit a backend's limit on heads, which is often 8 KiB. */
const maxValueBytes = 4_096;

export function forwardedClientCertificate({ der }: PeerCertificate): string {
  const names = readCertificateNames(der);
  let value = `Hash=${createHash("sha256").update(der).digest("hex")}`;
  if (names === undefined) return value;
  const parts = [
    `Subject="${names.subject}"`,
    ...names.uriSans.map((name) => `URI=${quoted(name)}`),
    ...names.dnsSans.map((name) => `DNS=${quoted(name)}`),
  ];
  for (const part of parts) {
    if (value.length + part.length + 1 > maxValueBytes) break;
    value += `;${part}`;
  }
  return value;
}

/** Envoy: a value with a separator in it is quoted, and quotes within are escaped. */
function quoted(value: string): string {
  return /[,;="]/.test(value) ? `"${value.replaceAll('"', '\\"')}"` : value;
}
