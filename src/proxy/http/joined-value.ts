/** All values of one field as one (RFC 9110 section 5.3; RFC 9113 section 8.2.3 for cookies). */
import type { HeaderFields } from "../../http2/index.ts";

export function joinedValue(fields: HeaderFields, nameLower: string): string | undefined {
  const { names, values } = fields;
  let joined: string | undefined;
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== nameLower) continue;
    const value = values[i] ?? "";
    if (joined === undefined) joined = value;
    else joined += nameLower === "cookie" ? `; ${value}` : `, ${value}`;
  }
  return joined;
}
