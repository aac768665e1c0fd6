/** How certificates are told apart in text: SHA-256 of the whole, in lower-case hex, as openssl and browsers show it. */
import { createHash } from "node:crypto";

export function fingerprintOf(der: Uint8Array): string {
  return createHash("sha256").update(der).digest("hex");
}
