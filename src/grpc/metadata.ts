/** Custom metadata: what travels beside messages in the form that headers allow. */
import type { HeaderFields } from "../http2/index.ts";

export type Metadata = ReadonlyMap<string, string>;

/** The protocol's own; a caller can neither set nor see them as metadata. */
const reserved: ReadonlySet<string> = new Set(["te", "content-type", "user-agent", "host", "content-length"]);
const namePattern = /^[0-9a-z_.-]+$/;
const valuePattern = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** Values of names that end in "-bin" are base64 text on both sides. */
export function appendMetadata(fields: HeaderFields, metadata: Metadata): void {
  for (const [name, value] of metadata) {
    if (!isCustom(name) || !namePattern.test(name) || !valuePattern.test(value)) continue;
    if (name === "authorization") fields.addSensitive(name, value);
    else fields.add(name, value);
  }
}

/** Repeated names are joined with commas. */
export function readMetadata(fields: HeaderFields): Metadata {
  const metadata = new Map<string, string>();
  for (let i = 0; i < fields.count; i++) {
    const name = fields.nameAt(i);
    if (!isCustom(name)) continue;
    const before = metadata.get(name);
    metadata.set(name, before === undefined ? fields.valueAt(i) : `${before},${fields.valueAt(i)}`);
  }
  return metadata;
}

function isCustom(name: string): boolean {
  return !name.startsWith(":") && !name.startsWith("grpc-") && !reserved.has(name);
}
