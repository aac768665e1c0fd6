/** Writes and deletes all the time, at whichever control plane: what was acknowledged must be so for ever, at every one of them. */
import type { ChaosMesh } from "./chaos-mesh.ts";
import { entry, entryName } from "./shape.ts";

const everyMs = 200;
/** Entries that are there at a time: with each one more the oldest is deleted, in the same transaction. */
const maxEntries = 1_000;
/** Of the deleted ones, the newest so many are looked for too. */
const maxDeleted = 1_000;

export class Ledger {
  readonly #mesh: ChaosMesh;
  readonly #random: () => number;
  /** Oldest first. */
  readonly #present = new Set<number>();
  readonly #deleted = new Set<number>();
  readonly #loop: Promise<void>;
  #next = 1;
  #acknowledged = 0;
  #refused = 0;
  #isRunning = true;

  constructor(mesh: ChaosMesh, random: () => number) {
    this.#mesh = mesh;
    this.#random = random;
    this.#loop = this.#run();
  }

  /** Transactions, since the start. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Or not answered. */
  get refused(): number {
    return this.#refused;
  }

  /** One entry more, at whichever control plane. */
  async write(): Promise<void> {
    const number = this.#next++;
    const { controls } = this.#mesh;
    const control = controls[Math.floor(this.#random() * controls.length)];
    const oldest = this.#present.size < maxEntries ? undefined : this.#takeOldest();
    const deletions =
      oldest === undefined
        ? []
        : [{ kind: "ConfigMap", namespace: "default", name: entryName(oldest) } as const];
    try {
      await control?.client.transact({ message: entryName(number), objects: [entry(number)], deletions });
    } catch {
      // Whether either was done is not known: neither is looked for.
      this.#refused++;
      return;
    }
    this.#acknowledged++;
    this.#present.add(number);
    if (oldest !== undefined) this.#deleted.add(oldest);
    for (const old of this.#deleted) {
      if (this.#deleted.size <= maxDeleted) break;
      this.#deleted.delete(old);
    }
  }

  /** Acknowledged writes that a control plane does not have. */
  async missing(): Promise<string[]> {
    const missing: string[] = [];
    // What is acknowledged or taken on for deletion while a control plane is asked is looked for the next time.
    const [present, deleted] = [[...this.#present], [...this.#deleted]];
    for (const { client, index } of this.#mesh.controls) {
      const { items } = await client.list("ConfigMap", { namespace: "default" });
      const names = new Set(items.map(({ metadata }) => metadata.name));
      for (const number of present)
        if (this.#present.has(number) && !names.has(entryName(number)))
          missing.push(`${entryName(number)} is not at control plane ${index}`);
      for (const number of deleted)
        if (names.has(entryName(number)))
          missing.push(`${entryName(number)}, deleted, is at control plane ${index}`);
    }
    return missing;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
  }

  #takeOldest(): number | undefined {
    const [oldest] = this.#present;
    if (oldest !== undefined) this.#present.delete(oldest);
    return oldest;
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      await this.write();
      await Bun.sleep(everyMs);
    }
  }
}
