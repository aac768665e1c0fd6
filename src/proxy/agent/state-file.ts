/** Brings states to the disk, one after another: as a whole, or what differs from the one before behind what is there. */
import { PrivateLog } from "../../identity/x509/index.ts";
import type { Resource } from "./resource.ts";
import { encodeRecord, noDigest } from "./state-records.ts";

export interface LiveState {
  readonly revision: number;
  readonly resources: Iterable<Resource>;
}

/** Differences take no more room than the state before them, or than this: then it is written as a whole again. */
const minDifferencesBytes = 64 * 1024;

export class StateFile {
  readonly #path: string;
  /** Undefined: what is on disk is not known to be what was written last. */
  #log: PrivateLog | undefined;
  /** What was written last, by kind and name. */
  #resources: ReadonlyMap<string, Resource> = new Map();
  #digest: Uint8Array = noDigest;
  #stateBytes = 0;
  #differencesBytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Encodes before it returns; resolves when it is on the disk. Rejects: what is there may be damaged. One at a time. */
  async write({ revision, resources }: LiveState): Promise<void> {
    const next = new Map([...resources].map((resource) => [`${resource.kind} ${resource.name}`, resource]));
    const changed = [...next].flatMap(([key, each]) => (this.#resources.get(key) === each ? [] : [each]));
    const removed = [...this.#resources].flatMap(([key, each]) => (next.has(key) ? [] : [each]));
    const log = this.#mayAdd([...changed, ...removed]) ? this.#log : undefined;
    const { bytes, digest } =
      log === undefined
        ? encodeRecord({ revision, upserts: [...next.values()], removals: [] }, noDigest)
        : encodeRecord({ revision, upserts: changed, removals: removed }, this.#digest);
    try {
      await (log === undefined ? this.#replace(bytes) : log.append(bytes));
    } catch (error) {
      this.close();
      throw error;
    }
    this.#resources = next;
    this.#digest = digest;
    if (log !== undefined) this.#differencesBytes += bytes.length;
  }

  /** Not while something is written. The next state is written as a whole. */
  close(): void {
    this.#log?.close();
    this.#log = undefined;
  }

  async #replace(bytes: Uint8Array): Promise<void> {
    this.close();
    this.#log = await PrivateLog.create(this.#path, bytes);
    this.#stateBytes = bytes.length;
    this.#differencesBytes = 0;
  }

  #mayAdd(changed: readonly Resource[]): boolean {
    // A private key that is not used any more must not stay.
    if (changed.some(({ kind }) => kind === "Certificate")) return false;
    return (
      this.#log?.isInPlace === true &&
      this.#differencesBytes <= Math.max(this.#stateBytes, minDifferencesBytes)
    );
  }
}
