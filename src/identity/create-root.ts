/** A new root of the mesh's own CA, on disk. */
import { join } from "node:path";
import { type Authority, createAuthority } from "./authority-files.ts";
import { clockSkewMs } from "./signer.ts";

/** The file of a mesh's first root; later ones have a random part in their names. */
export const firstRoot = "root.pem";
const rootLifetimeMs = 3650 * 86_400_000;

export interface NewRoot {
  readonly directory: string;
  readonly file: string;
  readonly trustDomain: string;
  /** Encrypts its key; undefined: it is kept in clear. */
  readonly passphrase: string | undefined;
  readonly nowMs: number;
}

/** Throws `already_exists` where another process made one of this name at the same moment. */
export function createRoot({ directory, file, trustDomain, passphrase, nowMs }: NewRoot): Authority {
  // Names differ: a chain is looked for by the issuer's name first.
  const name = file === firstRoot ? "" : `${file.slice("root-".length, -".pem".length)} `;
  return createAuthority(join(directory, file), {
    commonName: `weft root ${name}${trustDomain}`,
    trustDomain,
    notBeforeMs: nowMs - clockSkewMs,
    notAfterMs: nowMs + rootLifetimeMs,
    pathLength: 1,
    passphrase,
  });
}
