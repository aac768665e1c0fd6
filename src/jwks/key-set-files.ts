/** Fetched key sets on disk, so that a restart during an issuer's outage does not lock its users out. Public keys: no secret. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkJwks, errorLine, type Log } from "../kernel/index.ts";

export interface KeptKeySet {
  readonly document: string;
  readonly etag: string | undefined;
  /** When the issuer last said that it is current. */
  readonly fetchedAtMs: number;
}

const suffix = ".json";

export class KeySetFiles {
  readonly #directory: string;
  readonly #log: Log;

  /** Makes the directory with the first file. */
  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Undefined: there is none that can be used. */
  read(uri: string): KeptKeySet | undefined {
    try {
      const kept: unknown = JSON.parse(readFileSync(this.#file(uri), "utf8"));
      return isKept(kept, uri) && checkJwks(kept.document) === undefined ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  /** What cannot be kept is still in force here, and said once for each time. */
  write(uri: string, kept: KeptKeySet): void {
    const file = this.#file(uri);
    const temporary = `${file}.${process.pid}.tmp`;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      writeFileSync(temporary, JSON.stringify({ uri, ...kept }), { mode: 0o600 });
      renameSync(temporary, file);
    } catch (cause) {
      this.#log.warn("a fetched key set cannot be kept on disk", { uri, error: errorLine(cause) });
    }
  }

  remove(uri: string): void {
    rmSync(this.#file(uri), { force: true });
  }

  /** Takes away what nobody wants any more, also what a killed process left half written. */
  prune(wanted: ReadonlySet<string>): void {
    const names = new Set([...wanted].map(nameOf));
    for (const name of this.#names())
      if (!names.has(name)) rmSync(join(this.#directory, name), { force: true });
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.#directory);
    } catch {
      return [];
    }
  }

  #file(uri: string): string {
    return join(this.#directory, nameOf(uri));
  }
}

function nameOf(uri: string): string {
  return createHash("sha256").update(uri).digest("hex") + suffix;
}

function isKept(value: unknown, uri: string): value is KeptKeySet {
  if (typeof value !== "object" || value === null) return false;
  if (!("uri" in value && "document" in value && "fetchedAtMs" in value)) return false;
  const etag = "etag" in value ? value.etag : undefined;
  return (
    value.uri === uri &&
    typeof value.document === "string" &&
    typeof value.fetchedAtMs === "number" &&
    (etag === undefined || typeof etag === "string")
  );
}
