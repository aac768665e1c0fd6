/**
 * Operational writes of several callers that go to etcd as one: they waited for the same write before them. Each is judged by
 * itself, as if it had come alone after those before it, and one that is refused takes nobody with it. No two touch one object.
 */
import { keyOf, keyText, type Stored } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import type { Plan, PlannedChange } from "../plan-writes.ts";
import type { OperationalWrite, WriteResult } from "../store.ts";
import type { Condition } from "./appender.ts";

/** Keeps one entry far beneath what etcd takes in one value. */
const maxWrites = 200;

export type Fence = (() => Condition | undefined) | undefined;

interface Member {
  readonly writes: readonly OperationalWrite[];
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
  /** Where its objects are among those of the plan. */
  first: number;
  count: number;
}

export class WriteGroup {
  readonly fence: Fence;
  readonly #members = new Set<Member>();
  readonly #keys = new Set<string>();
  #writes = 0;

  constructor(fence: Fence) {
    this.fence = fence;
  }

  /** Undefined: it cannot be among these. The first is always taken. */
  add(writes: readonly OperationalWrite[]): Promise<WriteResult> | undefined {
    const keys = writes.map((write) => keyText(write.type === "delete" ? write.key : keyOf(write.object)));
    const isFirst = this.#members.size === 0;
    if (!isFirst && (this.#writes + writes.length > maxWrites || keys.some((key) => this.#keys.has(key))))
      return undefined;
    for (const key of keys) this.#keys.add(key);
    this.#writes += writes.length;
    return new Promise((resolve, reject) => {
      this.#members.add({ writes, resolve, reject, first: 0, count: 0 });
    });
  }

  /** Of all that are not refused. Undefined: somebody would be refused, or has nothing to write, by a state that may be old. */
  plan(
    isFresh: boolean,
    sequence: number,
    planOf: (writes: readonly OperationalWrite[], sequence: number) => Plan,
  ): Plan | undefined {
    const changes: PlannedChange[] = [];
    const objects: Stored[] = [];
    for (const member of this.#members) {
      try {
        const plan = planOf(member.writes, sequence + changes.length);
        if (!isFresh && plan.changes.length === 0) return undefined;
        member.first = objects.length;
        member.count = plan.objects.length;
        changes.push(...plan.changes);
        objects.push(...plan.objects);
      } catch (error) {
        if (!isFresh && error instanceof WeftError && error.code !== "bad_input") return undefined;
        this.#members.delete(member);
        member.reject(error);
      }
    }
    return { changes, objects };
  }

  /** `objects`: of the plan that was written. */
  done({ sequence, objects }: WriteResult): void {
    for (const { resolve, first, count } of this.#members)
      resolve({ sequence, objects: objects.slice(first, first + count) });
  }

  refuse(error: unknown): void {
    for (const { reject } of this.#members) reject(error);
  }
}
