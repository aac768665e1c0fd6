/** The HTTP2-Settings field of a request that asks for h2c (RFC 7540, section 3.2.1): a SETTINGS payload in base64url. */
import { applySettings, initialSettings } from "./settings.ts";

/** Far more settings than there are; the field comes from a peer that is not trusted yet. */
const mostCharacters = 1024;

/** Undefined: malformed or out of range, so the request must not be upgraded. */
export function decodeUpgradeSettings(field: string): Uint8Array | undefined {
  const text = field.replace(/={1,2}$/, "");
  if (text.length > mostCharacters || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1)
    return undefined;
  const payload = Uint8Array.from(Buffer.from(text, "base64url"));
  if (payload.length % 6 !== 0) return undefined;
  return applySettings(initialSettings(), payload, "server") === undefined ? payload : undefined;
}
