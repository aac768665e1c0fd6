/** Writes all the time, at whichever control plane: what was acknowledged must be there for ever, at every one of them. */
import type { ChaosMesh } from "./chaos-mesh.ts";
import { entry } from "./shape.ts";

const everyMs = 200;
/** The newest so many are looked for at the end; older ones are deleted by then. */
const maxEntries = 2_000;

export class Ledger {
  readonly #mesh: ChaosMesh;
  readonly #random: () => number;
  readonly #acknowledged = new Set<number>();
  readonly #loop: Promise<void>;
  #next = 1;
  #refused = 0;
  #isRunning = true;

  constructor(mesh: ChaosMesh, random: () => number) {
    this.#mesh = mesh;
    this.#random = random;
    this.#loop = this.#run();
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  get refused(): number {
    return this.#refused;
  }

  /** One more, at whichever control plane; true: acknowledged. */
  async write(): Promise<boolean> {
    const number = this.#next++;
    if (number > maxEntries) return false;
    const { controls } = this.#mesh;
    const control = controls[Math.floor(this.#random() * controls.length)];
    try {
      await control?.client.transact({ message: `entry ${number}`, objects: [entry(number)] });
      this.#acknowledged.add(number);
      return true;
    } catch {
      this.#refused++;
      return false;
    }
  }

  /** Acknowledged entries that a control plane does not have. */
  async missing(): Promise<string[]> {
    const missing: string[] = [];
    for (const { client, index } of this.#mesh.controls) {
      const { items } = await client.list("ConfigMap", { namespace: "default" });
      const names = new Set(items.map(({ metadata }) => metadata.name));
      for (const number of this.#acknowledged)
        if (!names.has(`entry-${number}`)) missing.push(`entry ${number} at control plane ${index}`);
    }
    return missing;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      await this.write();
      await Bun.sleep(everyMs);
    }
  }
}
