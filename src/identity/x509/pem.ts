/** PEM (RFC 7468): base64 of DER between labelled lines. */

export type PemLabel = "CERTIFICATE" | "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "X509 CRL";

const charactersPerLine = 64;

export function derToPem(der: Uint8Array, label: PemLabel = "CERTIFICATE"): string {
  const text = Buffer.from(der).toString("base64");
  let body = "";
  for (let i = 0; i < text.length; i += charactersPerLine)
    body += `${text.slice(i, i + charactersPerLine)}\n`;
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`;
}

/** Every block with that label, in order; text between blocks is skipped. */
export function pemToDer(pem: string, label: PemLabel = "CERTIFICATE"): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  const pattern = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`, "g");
  for (const match of pem.matchAll(pattern)) {
    blocks.push(new Uint8Array(Buffer.from(match[1] ?? "", "base64")));
  }
  return blocks;
}
