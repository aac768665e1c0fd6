/** What could not be used as it came: kept until the same resource comes in a form that can, or goes. */
import type { ResourceChange } from "./resource-change.ts";
import type { StagedCommit } from "./staging.ts";

/** For people to read; the control plane has the full list in its rejections. */
const maxKept = 100;

export class Rejections {
  readonly #whys = new Map<string, string>();

  /** Returns those that are new, for the log. */
  note(commit: StagedCommit): string[] {
    for (const change of commit.changes) this.#whys.delete(nameOf(change));
    const fresh: string[] = [];
    for (const { kind, name, why } of commit.answers.flatMap(({ rejected }) => rejected)) {
      const key = `${kind} ${name}`;
      if (this.#whys.get(key) === why || this.#whys.size >= maxKept) continue;
      this.#whys.set(key, why);
      fresh.push(`${key}: ${why}`);
    }
    return fresh;
  }

  get all(): string[] {
    return [...this.#whys].map(([key, why]) => `${key}: ${why}`);
  }
}

function nameOf(change: ResourceChange): string {
  const { kind, name } = change.type === "upsert" ? change.resource : change;
  return `${kind} ${name}`;
}
