/** Whether text that came in another way than through this codec (from HTTP/2) can stand in an HTTP/1.1 message. */
import { isAuthority } from "./authority.ts";
import { isFieldByte, isTargetByte } from "./characters.ts";

/** One character for each byte. */
export function isFieldText(value: string): boolean {
  return isEvery(value, isFieldByte);
}

/** A request target in origin form, or the asterisk. */
export function isTargetText(target: string): boolean {
  return target !== "" && isEvery(target, isTargetByte);
}

/** Host, not empty. One character for each byte. */
export function isAuthorityText(authority: string): boolean {
  return authority !== "" && isAuthority(Buffer.from(authority, "latin1"), 0, authority.length);
}

function isEvery(text: string, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || table[code] === 0) return false;
  }
  return true;
}
