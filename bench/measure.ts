/** What processes cost: CPU from each process' own clock, memory from smaps_rollup; children are counted too. Linux only. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { errorCode } from "../src/net/causes.ts";

const libc = dlopen("libc.so.6", {
  clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
});

/** Kernels built without CONFIG_PROC_CHILDREN do not: what they lack is not taken for a process that has ended. */
const tellsChildren = existsSync(`/proc/${process.pid}/task/${process.pid}/children`);

/** The kernel's number of "the CPU clock of that process": it counts every thread, also those that have ended. */
function processClock(pid: number): number {
  const schedulerClock = 2;
  return (~pid << 3) | schedulerClock;
}

/** CPU time of the process since it started, in microseconds, with that of its children that have ended. */
export function cpuUs(pid: number): number {
  const time = new BigInt64Array(2);
  if (libc.symbols.clock_gettime(processClock(pid), ptr(time)) !== 0) {
    throw Object.assign(new Error(`no process ${pid}`), { code: "ESRCH" });
  }
  return Number(time[0]) * 1e6 + Number(time[1]) / 1000 + endedChildrenUs(pid);
}

/** To 10 ms: the kernel tells it in ticks of USER_HZ, a hundred a second on every platform. */
function endedChildrenUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // proc_pid_stat(5): the name may have spaces, cutime and cstime are the 14th and 15th fields behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10_000;
}

/** These processes and all that they have started and that still runs. */
export function processTree(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => [pid, ...processTree(childrenOf(pid))]);
}

function childrenOf(pid: number): number[] {
  const tasks = ofLiving(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  return tasks.flatMap((task) => {
    const children = ofLiving(() => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")) ?? "";
    return children.split(" ").filter(Boolean).map(Number);
  });
}

/** Undefined where the process or the thread that is read has ended meanwhile. */
function ofLiving<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = errorCode(error);
    if ((code === "ENOENT" || code === "ESRCH") && tellsChildren) return undefined;
    throw error;
  }
}

interface Memory {
  readonly rssMb: number;
  /** Pages that no other process shares: what one more process of the kind costs. */
  readonly privateMb: number;
}

function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  return {
    rssMb: kilobytes("Rss") / 1024,
    privateMb: (kilobytes("Private_Clean") + kilobytes("Private_Dirty")) / 1024,
  };
}

export interface Usage extends Memory {
  readonly cpuUs: number;
}

/** Of the whole trees below these processes. A child that ends meanwhile is in its parent's figure or counts as none. */
export function usage(pids: readonly number[]): Usage {
  const read = (pid: number): Usage => ({ cpuUs: cpuUs(pid), ...memory(pid) });
  const living = processTree(pids).flatMap((pid) =>
    pids.includes(pid) ? [read(pid)] : (ofLiving(() => read(pid)) ?? []),
  );
  const total = (figure: keyof Usage): number => living.reduce((sum, each) => sum + each[figure], 0);
  return { cpuUs: total("cpuUs"), rssMb: total("rssMb"), privateMb: total("privateMb") };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
