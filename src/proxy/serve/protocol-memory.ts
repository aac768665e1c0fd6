/**
 * What was spoken at each (service, port) and (workload, port) that declares nothing, so that later connections need not
 * be kept waiting, not even after a restart. Decides only whether and how long a connection is watched, never what it
 * becomes: what it says in its first bytes always wins, and corrects the memory.
 */
import { readPrivateFileSync, writePrivateFile } from "../../identity/x509/index.ts";
import { type Clock, errorLine, type Log, type Timer } from "../../kernel/index.ts";

/** `tcp`: the client speaks first and not HTTP. */
export type Spoken = "http" | "tcp" | "server-first";

interface ProtocolMemoryOptions {
  /** Undefined: kept in memory only. */
  readonly path: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** More (service, port) pairs than this are a scan. The one that was used longest ago leaves. */
const maxEntries = 1_024;
/** The names in a key are bounded by what a Service may be called (63 + 253) and a client's namespace (63). */
const maxKeyLength = 512;
/** Larger than any file that this writes; a foreign one is not even parsed. */
const maxFileBytes = maxEntries * (maxKeyLength + 32);
/** Losing this much at a crash costs one short wait for each key. */
const minPauseMs = 1_000;
const format = "weft-protocols/1";

export class ProtocolMemory {
  readonly #options: ProtocolMemoryOptions;
  /** In the order of use, the newest last. */
  readonly #entries: Map<string, Spoken>;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #isStale: boolean;

  constructor(options: ProtocolMemoryOptions) {
    this.#options = options;
    this.#entries = new Map(load(options));
    this.#timer = undefined;
    this.#writing = undefined;
    this.#isStale = false;
  }

  get size(): number {
    return this.#entries.size;
  }

  recall(key: string): Spoken | undefined {
    const spoken = this.#entries.get(key);
    if (spoken !== undefined) this.#use(key, spoken);
    return spoken;
  }

  learn(key: string, spoken: Spoken): void {
    if (key.length > maxKeyLength) return;
    const before = this.#entries.get(key);
    this.#use(key, spoken);
    if (before === spoken) return;
    if (this.#entries.size > maxEntries) this.#forgetOldest();
    this.#markStale();
  }

  /** Resolves when what was learned is on disk, or could not be put there. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
    if (this.#isStale) this.#markStale();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isStale = false;
  }

  #use(key: string, spoken: Spoken): void {
    this.#entries.delete(key);
    this.#entries.set(key, spoken);
  }

  #forgetOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }

  #markStale(): void {
    if (this.#options.path === undefined) return;
    this.#isStale = true;
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    this.#timer = this.#options.clock.after(minPauseMs, () => {
      this.#timer = undefined;
      void this.flush();
    });
  }

  async #write(): Promise<void> {
    const { path, log } = this.#options;
    if (path === undefined) return;
    try {
      await writePrivateFile(path, JSON.stringify({ format, entries: [...this.#entries] }));
    } catch (error) {
      log.warn("the learned protocols could not be written", { path, error: errorLine(error) });
    }
  }
}

function load({ path, log }: ProtocolMemoryOptions): readonly (readonly [string, Spoken])[] {
  if (path === undefined) return [];
  try {
    const bytes = readPrivateFileSync(path);
    const entries = bytes === undefined ? [] : parse(bytes);
    if (entries === undefined) log.warn("the learned protocols cannot be used; learning anew", { path });
    return entries ?? [];
  } catch (error) {
    log.warn("the learned protocols cannot be read; learning anew", { path, error: errorLine(error) });
    return [];
  }
}

/** Undefined where it is not exactly what `#write` writes. */
function parse(bytes: Uint8Array): readonly (readonly [string, Spoken])[] | undefined {
  if (bytes.length > maxFileBytes) return undefined;
  let file: unknown;
  try {
    file = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof file !== "object" || file === null) return undefined;
  if (!("format" in file) || file.format !== format) return undefined;
  if (!("entries" in file) || !Array.isArray(file.entries) || file.entries.length > maxEntries)
    return undefined;
  const entries: (readonly [string, Spoken])[] = [];
  for (const entry of file.entries as readonly unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 2) return undefined;
    const [key, spoken]: readonly unknown[] = entry;
    if (typeof key !== "string" || key.length > maxKeyLength || !isSpoken(spoken)) return undefined;
    entries.push([key, spoken]);
  }
  return entries;
}

function isSpoken(value: unknown): value is Spoken {
  return value === "http" || value === "tcp" || value === "server-first";
}
