/**
 * The CA's roots and the state of their change, the same at all replicas: the files of ca/ as one sealed value. A replica that
 * starts has them written into its directory before it opens the CA; a change counts for the others when it is in etcd.
 * Intermediates are each replica's own.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { CertificateAuthority } from "../../identity/index.ts";
import {
  describeCertificate,
  pemToDer,
  readPrivateFileSync,
  writePrivateFileSync,
} from "../../identity/x509/index.ts";
import { errorLine, type Log, WeftError } from "../../kernel/index.ts";
import { jsonOf, type SharedValues } from "../../store/etcd/index.ts";

const name = "ca";
const maxTries = 5;

export class CaFiles {
  readonly #values: SharedValues;
  readonly #directory: string;
  readonly #log: Log;
  #pushing: Promise<void> = Promise.resolve();

  constructor(values: SharedValues, directory: string, log: Log) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#values = values;
    this.#directory = directory;
    this.#log = log;
  }

  /** Writes what the mesh has into the directory. Throws `conflict` where the directory is another mesh's. */
  async fetch(): Promise<void> {
    const shared = await this.#values.read(name);
    if (shared !== undefined) this.#write(filesOf(shared.value), true);
  }

  /** The first replica of a mesh gives what it has made or brought. Afterwards the directory holds what the mesh has. */
  async found(open: () => CertificateAuthority): Promise<CertificateAuthority> {
    const authority = open();
    const isFirst = await this.#values.replace(name, encode(this.#read()), 0n);
    if (isFirst) return authority;
    const shared = await this.#values.read(name);
    if (shared === undefined) throw new WeftError("io", "the mesh's CA has gone from etcd while it was read");
    const files = filesOf(shared.value);
    if (isSame(files, this.#read())) return authority;
    // Another replica was first: what was just made here was never used.
    authority.close();
    this.#write(files, false);
    return open();
  }

  /** Keeps the two the same from now on. */
  follow(authority: CertificateAuthority): () => void {
    const unsubscribe = this.#values.onChange((names) => {
      if (names.includes(name)) this.#pull(authority);
    });
    const unlisten = authority.onChange(() => void this.push(authority).catch(() => {}));
    this.#pull(authority);
    return () => {
      unsubscribe();
      unlisten();
    };
  }

  /** Resolves when the others can see what the directory holds. Throws `conflict` where they had changed it: theirs holds. */
  push(authority: CertificateAuthority): Promise<void> {
    const run = this.#pushing.catch(() => {}).then(() => this.#push(authority));
    this.#pushing = run;
    return run;
  }

  async #push(authority: CertificateAuthority): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const shared = await this.#values.read(name);
        const mine = this.#read();
        if (shared !== undefined && isSame(filesOf(shared.value), mine)) return;
        if (generationOf(mine) < generationOf(shared === undefined ? new Map() : filesOf(shared.value)))
          throw new WeftError("conflict", "another control plane changes the root just now");
        if (await this.#values.replace(name, encode(mine), shared?.version ?? 0n)) return;
      } catch (error) {
        const isAway = error instanceof WeftError && error.code !== "conflict";
        if (isAway && attempt < maxTries) continue;
        this.#log.warn("a change of the CA did not reach etcd", { error: errorLine(error) });
        if (!isAway) this.#pull(authority);
        throw error;
      }
    }
  }

  #pull(authority: CertificateAuthority): void {
    try {
      const shared = this.#values.get(name);
      if (shared === undefined) return;
      const files = filesOf(shared.value);
      const mine = this.#read();
      // What is newer here is on its way there.
      if (isSame(files, mine) || generationOf(mine) > generationOf(files)) return;
      this.#write(files, false);
      authority.reload();
    } catch (error) {
      this.#log.error("the CA that the mesh has now cannot be taken over", { error: errorLine(error) });
    }
  }

  #read(): Map<string, string> {
    const files = new Map<string, string>();
    for (const file of readdirSync(this.#directory).toSorted()) {
      const bytes = isShared(file) ? readPrivateFileSync(join(this.#directory, file)) : undefined;
      if (bytes !== undefined) files.set(file, Buffer.from(bytes).toString());
    }
    return files;
  }

  #write(files: ReadonlyMap<string, string>, isChecked: boolean): void {
    const present = this.#read();
    if (isChecked) this.#checkMesh(present, files);
    for (const [file, content] of files)
      if (present.get(file) !== content) writePrivateFileSync(join(this.#directory, file), content);
    for (const file of present.keys())
      if (!files.has(file)) rmSync(join(this.#directory, file), { force: true });
    // A root of the same name may be another one: its intermediate is made anew.
    for (const file of readdirSync(this.#directory).filter((each) => each.startsWith("intermediate"))) {
      const root = file.replace("intermediate", "root");
      if (present.get(root) !== files.get(root)) rmSync(join(this.#directory, file), { force: true });
    }
  }

  #checkMesh(present: ReadonlyMap<string, string>, files: ReadonlyMap<string, string>): void {
    const [mine, theirs] = [domainsOf(present), domainsOf(files)];
    const foreign = mine.find((domain) => !theirs.includes(domain));
    if (foreign === undefined) return;
    throw new WeftError(
      "conflict",
      `${this.#directory} holds the CA of trust domain ${foreign}, etcd that of ${theirs.join(", ")}`,
      { hint: "use another data directory, or another mesh's name in --store" },
    );
  }
}

/** How far the change of root has come, so that what is older is never taken for what is newer. */
function generationOf(files: ReadonlyMap<string, string>): number {
  const text = files.get("trust.json");
  const state: unknown = text === undefined ? {} : JSON.parse(text);
  const fields = new Map<string, unknown>(Object.entries(state ?? {}));
  const generation = fields.get("generation");
  return typeof generation === "number" ? generation : 0;
}

function domainsOf(files: ReadonlyMap<string, string>): string[] {
  return [...files.values()].flatMap((pem) => {
    const der = pemToDer(pem)[0];
    const uri = der === undefined ? undefined : describeCertificate(der)?.uriSans[0];
    return uri === undefined ? [] : [uri.slice("spiffe://".length)];
  });
}

function isShared(file: string): boolean {
  return file === "trust.json" || /^root(-[0-9a-f]{8})?\.pem$/.test(file);
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([file, content]) => b.get(file) === content);
}

function encode(files: ReadonlyMap<string, string>): Uint8Array {
  return Buffer.from(JSON.stringify(Object.fromEntries(files)));
}

function filesOf(value: Uint8Array): Map<string, string> {
  const files = new Map<string, string>();
  for (const [file, content] of Object.entries(jsonOf(value, name) ?? {}))
    if (isShared(file) && typeof content === "string") files.set(file, content);
  return files;
}
