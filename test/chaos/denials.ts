/** Shuts one service's door to another and opens it again, all the time: once every proxy is said to run that, it must hold. */
import { WeftError } from "../../src/kernel/index.ts";
import type { ChaosMesh, Control } from "./chaos-mesh.ts";
import { denial, denialName, serviceCount } from "./shape.ts";

const holdMs = 1_500;
const askEveryMs = 50;

/** `either`: a change is on its way, or nobody knows whether it is. */
type Verdict = "open" | "shut" | "either";

/** From one caller to one target at one moment. */
export interface Door {
  readonly verdict: Verdict;
  /** Grows with every change: two looks with the same number had nothing in between. */
  readonly epoch: number;
}

export class Denials {
  readonly #mesh: ChaosMesh;
  readonly #random: () => number;
  readonly #loop: Promise<void>;
  #verdict: Verdict = "open";
  #caller = 0;
  #epoch = 0;
  #shutCount = 0;
  #isHeld = false;
  #isRunning = true;
  readonly #onShut = new Set<(targetService: number) => void>();

  constructor(mesh: ChaosMesh, random: () => number) {
    this.#mesh = mesh;
    this.#random = random;
    this.#loop = this.#run();
  }

  /** How often the door was shut and every proxy said so. */
  get shutCount(): number {
    return this.#shutCount;
  }

  door(caller: number, target: number): Door {
    const isThisOne = caller === this.#caller && target === targetOf(caller);
    if (!isThisOne) return { verdict: "open", epoch: this.#epoch };
    return { verdict: this.#verdict, epoch: this.#epoch };
  }

  /** Gives the service whose door is shut next, the moment that every proxy is said to have it so; it stays until `release`. */
  nextShut(): Promise<number> {
    this.#isHeld = true;
    return new Promise((resolve) => this.#onShut.add(resolve));
  }

  release(): void {
    this.#isHeld = false;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      this.#caller = Math.floor(this.#random() * serviceCount);
      // No await in between: the new pair is never looked at with the old one's verdict.
      if (!(await this.#change("shut"))) return;
      this.#shutCount++;
      for (const tell of this.#onShut) tell(targetOf(this.#caller));
      this.#onShut.clear();
      await Bun.sleep(holdMs);
      while (this.#isHeld && this.#isRunning) await Bun.sleep(askEveryMs);
      if (!(await this.#change("open"))) return;
      await Bun.sleep(holdMs);
    }
  }

  /** False: the suite is at its end. */
  async #change(to: "open" | "shut"): Promise<boolean> {
    this.#enter("either");
    let revision: number | undefined;
    while (this.#isRunning) {
      const control = this.#oneControl();
      try {
        revision ??= await this.#write(control, to);
        if (await this.#isEverywhere(control, revision)) {
          this.#enter(to);
          return true;
        }
      } catch {
        // Not taken, or asked of one that is gone: again, wherever.
      }
      await Bun.sleep(askEveryMs);
    }
    return false;
  }

  /** Gives the revision that has it. */
  async #write({ client }: Control, to: "open" | "shut"): Promise<number> {
    if (to === "shut") {
      const objects = [denial(this.#caller, targetOf(this.#caller))];
      return (await client.transact({ message: to, objects })).revision;
    }
    const deletions = [{ kind: "AuthorizationPolicy", namespace: "default", name: denialName } as const];
    try {
      return (await client.transact({ message: to, deletions })).revision;
    } catch (error) {
      // Deleted by an earlier try whose answer was lost.
      if (error instanceof WeftError && error.code === "not_found") return (await client.status()).revision;
      throw error;
    }
  }

  /** Whether a control plane says of every proxy that it runs it. */
  async #isEverywhere({ client }: Control, revision: number): Promise<boolean> {
    const { proxies } = await client.status();
    const done = proxies.filter((proxy) => proxy.connected && proxy.revision >= revision);
    const names = new Set(done.map(({ workload }) => workload));
    return this.#mesh.workloads.every(({ place }) => names.has(`default/${place.name}`));
  }

  #oneControl(): Control {
    const { controls } = this.#mesh;
    const control = controls[Math.floor(this.#random() * controls.length)];
    if (control === undefined) throw new Error("there is no control plane");
    return control;
  }

  #enter(verdict: Verdict): void {
    this.#verdict = verdict;
    this.#epoch++;
  }
}

/** The other neighbour than the one by which a workload is asked whether it serves. */
function targetOf(caller: number): number {
  return (caller + serviceCount - 1) % serviceCount;
}
