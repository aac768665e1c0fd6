/** One file of the dashboard in memory, as it is and compressed, and which of these a browser is given. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

type Encoding = "br" | "gzip" | "identity";

export interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly bodies: Readonly<Record<Encoding, Uint8Array<ArrayBuffer>>>;
}

interface ListedFile {
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly etag: string;
}

/** By path, from a folder that scripts/build-dashboard.mjs made. Throws where it is not such a folder. */
export function readAssets(folder: string): ReadonlyMap<string, Asset> {
  const listed: readonly ListedFile[] = JSON.parse(readFileSync(join(folder, "files.json"), "utf8"));
  return new Map(
    listed.map(({ path, name, type, etag }) => {
      const read = (suffix: string): Uint8Array<ArrayBuffer> =>
        new Uint8Array(readFileSync(join(folder, `${name}${suffix}`)));
      return [path, { type, etag, bodies: { identity: read(""), gzip: read(".gz"), br: read(".br") } }];
    }),
  );
}

/** RFC 9110, section 12.5.3; the smallest that is not refused. */
export function chooseEncoding(acceptEncoding: string | null): Encoding {
  const offered = (acceptEncoding ?? "").split(",").map((part) => {
    const [name = "", ...parameters] = part.split(";").map((each) => each.trim().toLowerCase());
    return { name, isRefused: parameters.some((each) => /^q=0(\.0{0,3})?$/.test(each)) };
  });
  const accepts = (encoding: Encoding): boolean => {
    const entry = offered.find(({ name }) => name === encoding) ?? offered.find(({ name }) => name === "*");
    return entry !== undefined && !entry.isRefused;
  };
  return accepts("br") ? "br" : accepts("gzip") ? "gzip" : "identity";
}

/** Whether the browser has it already, by RFC 9110, section 13.1.2. */
export function isKnown({ etag }: Asset, ifNoneMatch: string | null): boolean {
  if (ifNoneMatch === null) return false;
  const known = ifNoneMatch.split(",").map((each) => each.trim().replace(/^W\//, ""));
  return known.includes("*") || known.includes(etag);
}
