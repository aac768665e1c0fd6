/**
 * Finds processes by what the kernel says of them (network namespace, environment, start time) and ends them. For
 * cleaning up after programs that left their parents, and after a crash.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { native } from "./native-calls.ts";

const SIGKILL = 9;
const pollMs = 10;

/**
 * When the process started, in a form that is only good for comparing: with its number it names one process for as
 * long as the machine runs. Undefined where there is none.
 */
export function processStartTime(pid: number): string | undefined {
  const fields = statFields(pid);
  // proc_pid_stat(5): field 3 is the state, 22 the start time; a zombie runs no more.
  return fields === undefined || fields[0] === "Z" ? undefined : fields[19];
}

export function isSameProcess(pid: number, startTime: string): boolean {
  return processStartTime(pid) === startTime;
}

/** All but this one. Processes that this user may not look into are left out. */
export function processesInNetNamespace(id: number): number[] {
  return otherProcesses().filter((pid) => {
    try {
      return statSync(`/proc/${pid}/ns/net`).ino === id;
    } catch {
      return false;
    }
  });
}

/** All but this one that were started with the variable set to something that begins so. */
export function processesWithVariable(name: string, prefix: string): number[] {
  const start = `${name}=${prefix}`;
  return otherProcesses().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1")
        .split("\0")
        .some((variable) => variable.startsWith(start));
    } catch {
      return false;
    }
  });
}

/** Sends a signal to one process; false where there is none, it is not ours to signal, or the number means several. */
export function signalProcess(pid: number, signal: number): boolean {
  return native().kill(pid, signal) === 0;
}

/**
 * Kills what `find` gives until it gives nothing: a process may have started another in between. Gives those that
 * were still there when the time was over.
 */
export async function killAll(find: () => readonly number[], deadlineMs: number): Promise<readonly number[]> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const alive = find().filter((pid) => processStartTime(pid) !== undefined);
    if (alive.length === 0 || performance.now() > endMs) return alive;
    for (const pid of alive) signalProcess(pid, SIGKILL);
    await Bun.sleep(pollMs);
  }
}

function otherProcesses(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid);
}

/** Those after the command, which may hold spaces and parentheses itself. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
