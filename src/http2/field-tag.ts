/**
 * What the rules of HTTP/2 say about a single field, as one byte. It is found once for each literal and kept in the
 * tables beside the field, so that repeated fields are judged without being read again.
 */
import { connectionFields } from "./pseudo-rules.ts";

/** The low bits: which field it is, where the rules care. 0 needs no second look. */
export const fieldKinds = {
  ordinary: 0,
  method: 1,
  scheme: 2,
  path: 3,
  authority: 4,
  protocol: 5,
  status: 6,
  unknownPseudo: 7,
  connection: 8,
  te: 9,
  host: 10,
  contentLength: 11,
  malformedName: 12,
} as const;
export const kindMask = 0x0f;
/** The high bit: the value has a character that no field may hold. */
export const malformedValue = 0x80;

const kinds: ReadonlyMap<string, number> = new Map([
  [":method", fieldKinds.method],
  [":scheme", fieldKinds.scheme],
  [":path", fieldKinds.path],
  [":authority", fieldKinds.authority],
  [":protocol", fieldKinds.protocol],
  [":status", fieldKinds.status],
  ["te", fieldKinds.te],
  ["host", fieldKinds.host],
  ["content-length", fieldKinds.contentLength],
  ...[...connectionFields].map((name) => [name, fieldKinds.connection] as const),
]);

/** The kind of a name that is a well-formed name or begins with a colon. */
export function kindOf(name: string): number {
  const kind = kinds.get(name);
  if (kind !== undefined) return kind;
  return name.charCodeAt(0) === 0x3a ? fieldKinds.unknownPseudo : fieldKinds.ordinary;
}
