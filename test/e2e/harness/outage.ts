/** Keeps a mesh's control plane down: kills it, and each one that its supervisor starts, as soon as it is seen. */
import { killNow, meshProcesses } from "./mesh-processes.ts";
import type { TestMesh } from "./mesh.ts";

/** A new one needs several times as long before it serves. */
const lookEveryMs = 25;

export class Outage {
  readonly #mesh: TestMesh;
  readonly #timer: Timer;
  #kills = 0;

  private constructor(mesh: TestMesh) {
    this.#mesh = mesh;
    this.#killControl();
    this.#timer = setInterval(() => this.#killControl(), lookEveryMs);
  }

  static begin(mesh: TestMesh): Outage {
    return new Outage(mesh);
  }

  get kills(): number {
    return this.#kills;
  }

  /** From here on it may come back. Idempotent. */
  end(): void {
    clearInterval(this.#timer);
  }

  #killControl(): void {
    for (const process of meshProcesses(this.#mesh)) {
      if (process.role !== "control") continue;
      killNow(process);
      this.#kills++;
    }
  }
}
