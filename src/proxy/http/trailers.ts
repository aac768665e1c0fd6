/** Trailer sections from one version of HTTP to the other. */
import { forbiddenInTrailers, isFieldText } from "../../http1/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import type { Trailers } from "./http-message.ts";

/** Lines for a chunked body, each ending in CRLF. What HTTP/1.1 cannot carry is left out. */
export function trailerLines(trailers: Trailers | undefined): Uint8Array | undefined {
  if (trailers === undefined || trailers instanceof Uint8Array) return trailers;
  let text = "";
  for (let i = 0; i < trailers.count; i++) {
    const name = trailers.nameAt(i);
    const value = trailers.valueAt(i);
    if (!forbiddenInTrailers.has(name) && isFieldText(value)) text += `${name}: ${value}\r\n`;
  }
  return text === "" ? undefined : Buffer.from(text, "latin1");
}

export function trailerFields(trailers: Trailers | undefined): HeaderFields | undefined {
  if (!(trailers instanceof Uint8Array)) return trailers;
  const fields = new HeaderFields();
  for (const line of Buffer.from(trailers).toString("latin1").split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.add(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields.count === 0 ? undefined : fields;
}

/** Without what is not for trailers at all, and without the names that `isDropped` (in lower case) says. */
export function trailersWithout(
  trailers: Trailers,
  isDropped: (nameLower: string) => boolean,
): Trailers | undefined {
  const kept = (name: string): boolean => !forbiddenInTrailers.has(name) && !isDropped(name);
  if (!(trailers instanceof Uint8Array)) {
    const entries = trailers.names.map((name, i) => [name, trailers.values[i] ?? ""] as const);
    const left = entries.filter(([name]) => kept(name));
    if (left.length === entries.length) return trailers;
    return left.length === 0 ? undefined : HeaderFields.of(left);
  }
  const lines = Buffer.from(trailers).toString("latin1").split("\r\n");
  const left = lines.filter((line) => line !== "" && kept(nameOf(line)));
  return left.length === 0 ? undefined : Buffer.from(`${left.join("\r\n")}\r\n`, "latin1");
}

function nameOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase();
}
