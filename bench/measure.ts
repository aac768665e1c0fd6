/** What a process cost: CPU from the scheduler's own accounting (nanoseconds, all threads), memory from smaps_rollup. Linux only. */
import { readdirSync, readFileSync } from "node:fs";

/** CPU time that the process's threads have used since they started, in microseconds. Threads that ended are not counted. */
export function cpuUs(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
  }
  return nanoseconds / 1000;
}

export interface Memory {
  readonly rssMb: number;
  /** Pages that no other process shares: what one more process of the kind costs. */
  readonly privateMb: number;
}

export function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  return {
    rssMb: kilobytes("Rss") / 1024,
    privateMb: (kilobytes("Private_Clean") + kilobytes("Private_Dirty")) / 1024,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
