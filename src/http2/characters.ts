/** Byte classes of header fields as tables (RFC 9113 section 8.2.1, RFC 9110, RFC 3986): one load decides. */

function tableOf(isMember: (byte: number, char: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isMember(byte, String.fromCharCode(byte)) ? 1 : 0));
}

/** RFC 9110's token characters without upper case. */
export const isNameByte: Uint8Array = tableOf((_, char) => /[!#$%&'*+.^_`|~0-9a-z-]/.test(char));

/** The same with upper case: methods and protocols. */
export const isTokenByte: Uint8Array = tableOf((_, char) => /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(char));

/** Visible ASCII, obs-text, space and tab (RFC 9110, section 5.5): stricter than RFC 9113, which lets controls pass. */
export const isValueByte: Uint8Array = tableOf((byte) => byte === 9 || (byte >= 32 && byte !== 127));

/** Visible ASCII without "#", which begins a fragment and never travels. What HTTP/1.1's parser takes, too. */
export const isPathByte: Uint8Array = tableOf((byte) => byte > 32 && byte < 127 && byte !== 0x23);

/** Host and port, without userinfo (section 8.3.1). */
export const isAuthorityByte: Uint8Array = tableOf((_, char) => /[A-Za-z0-9._~!$&'()*+;=%:[\]-]/.test(char));

export const isSchemeByte: Uint8Array = tableOf((_, char) => /[A-Za-z0-9+.-]/.test(char));

export function consistsOf(text: string, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    // Undefined above U+00FF, which no byte of a peer makes.
    if (table[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

export function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}
