/** The grammar of chunk extensions, byte by byte: RFC 9112 7.1.1. They are checked, counted and forgotten. */
import { isFieldByte, space, tab, tokenLower } from "./characters.ts";

const semicolon = 0x3b;
const equals = 0x3d;
const quote = 0x22;
const backslash = 0x5c;

/** Where in `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` the next byte stands. */
export const extension = {
  /** After the size or a whole extension; the line may end here. */
  after: 0,
  /** White space there: a semicolon must follow. */
  afterSpace: 1,
  nameStart: 2,
  name: 3,
  nameSpace: 4,
  valueStart: 5,
  token: 6,
  quoted: 7,
  escaped: 8,
} as const;

/** Returns the next state, -1 where the byte is not allowed. */
export function nextExtensionState(state: number, byte: number): number {
  const isSpace = byte === space || byte === tab;
  const isToken = tokenLower[byte] !== 0;
  switch (state) {
    case extension.after:
    case extension.afterSpace:
      if (byte === semicolon) return extension.nameStart;
      return isSpace ? extension.afterSpace : -1;
    case extension.nameStart:
      if (isSpace) return state;
      return isToken ? extension.name : -1;
    case extension.name:
      if (isToken) return state;
      if (byte === equals) return extension.valueStart;
      if (byte === semicolon) return extension.nameStart;
      return isSpace ? extension.nameSpace : -1;
    case extension.nameSpace:
      if (isSpace) return state;
      if (byte === equals) return extension.valueStart;
      return byte === semicolon ? extension.nameStart : -1;
    case extension.valueStart:
      if (isSpace) return state;
      if (byte === quote) return extension.quoted;
      return isToken ? extension.token : -1;
    case extension.token:
      if (isToken) return state;
      if (byte === semicolon) return extension.nameStart;
      return isSpace ? extension.afterSpace : -1;
    case extension.quoted:
      if (byte === quote) return extension.after;
      if (byte === backslash) return extension.escaped;
      return isFieldByte[byte] === 1 ? state : -1;
    default:
      return isFieldByte[byte] === 1 ? extension.quoted : -1;
  }
}

/** Whether the chunk's line may end in this state. */
export function mayEndExtension(state: number): boolean {
  return state === extension.after || state === extension.name || state === extension.token;
}
