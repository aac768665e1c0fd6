/**
 * Starts a program in namespaces, with its rights cut down, and tells how it ended. Unlike Bun.spawn it can enter user
 * namespaces, and it reports why a start failed before it returns.
 */
import { openSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { WeftError } from "../kernel/index.ts";
import { EACCES, ENOENT, errnoError, errnoName } from "./errno.ts";
import type { Launched, LaunchSpec, StdioSource } from "./launch-spec.ts";
import { type Ids, LaunchSteps } from "./launch-steps.ts";
import { closeDescriptor, makePipe } from "./native.ts";
import { native } from "./native-calls.ts";
import { Reaper } from "./reaper.ts";

const reaper = new Reaper();

/** Throws WeftError: `not_found` and `permission` for a program that cannot be run, others where the kernel refuses. */
export function launch(spec: LaunchSpec): Launched {
  const program = spec.argv[0];
  if (program === undefined) throw new WeftError("bad_input", "no program to run");
  const path = findProgram(program, spec.env["PATH"], spec.cwd);
  const stdio = new ChildDescriptors(spec.stdio ?? ["inherit", "inherit", "inherit"]);
  try {
    const steps = prepare(spec, stdio.sources);
    if (spec.parentDeathSignal !== undefined) steps.addDeathSignal(spec.parentDeathSignal, process.pid);
    steps.addExec(path, spec.argv, spec.env);
    const pid = run(steps, program);
    const exited = reaper.watch(pid);
    return {
      pid,
      exited,
      pipes: stdio.takeOurEnds(),
      kill: (signal) => {
        // What has ended but is not reaped keeps its number, so after this its number is still its own.
        reaper.collect();
        return reaper.isRunning(pid) && native().kill(pid, signal) === 0;
      },
    };
  } finally {
    stdio.close();
  }
}

export interface Refusal {
  readonly errno: number;
  /** `make a user namespace: operation not permitted (EPERM)`. */
  readonly reason: string;
}

/** Goes through everything that `launch` would do, except the program. Undefined where all of it is allowed. */
export function tryLaunch(spec: Omit<LaunchSpec, "argv" | "env">): Refusal | undefined {
  const steps = prepare({ ...spec, argv: [], env: {} }, []);
  steps.addExit();
  const { result, failed } = fork(steps);
  if (result > 0) {
    native().wait(result, new Int32Array(1), true);
    return undefined;
  }
  return { errno: -result, reason: errnoError(failed < 0 ? "fork" : steps.wordsAt(failed), -result).message };
}

/** The order: into the namespaces with every right, descriptors and directory, then the rights go. */
function prepare(spec: LaunchSpec, sources: readonly number[]): LaunchSteps {
  const steps = new LaunchSteps();
  const own = callerIds();
  steps.addNamespaces(spec, own);
  if (spec.ownSession === true) steps.addSession();
  if (spec.cwd !== undefined) steps.addDirectory(spec.cwd);
  steps.addStdio(sources);
  steps.addConfinement(spec, spec.newUser ?? own);
  return steps;
}

function callerIds(): Ids {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

function run(steps: LaunchSteps, program: string): number {
  const { result, failed } = fork(steps);
  if (result > 0) return result;
  if (steps.isExec(failed)) throw execError(program, -result);
  throw errnoError(`start ${program}: ${failed < 0 ? "fork" : steps.wordsAt(failed)}`, -result);
}

/** The child's pid, or a negative errno and the index of the step that failed (-1: none was reached). */
function fork(steps: LaunchSteps): { readonly result: number; readonly failed: number } {
  const failed = new Int32Array([-1]);
  const result = native().launch(steps.encode(), steps.count, steps.reservedDescriptors, failed);
  return { result, failed: failed[0] ?? -1 };
}

function execError(program: string, number: number): WeftError {
  if (number === ENOENT) {
    // The file was there a moment ago, so what is missing is what its first line or its header names.
    return new WeftError("not_found", `run ${program}: its interpreter does not exist`, {
      fields: { errno: number },
    });
  }
  return errnoError(`run ${program}`, number);
}

/** As execvp(3), but done before the fork and with words for what went wrong. */
function findProgram(program: string, path: string | undefined, cwd: string | undefined): string {
  if (program === "") throw new WeftError("bad_input", "the program's name is empty");
  const isPath = program.includes("/");
  const directories = isPath ? [""] : (path ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter);
  let denied = false;
  for (const directory of directories) {
    const candidate = isPath ? program : join(directory === "" ? "." : directory, program);
    const found = candidate.startsWith("/") || cwd === undefined ? candidate : join(cwd, candidate);
    const verdict = canRun(found);
    if (verdict === "yes") return found;
    // Whether a directory of PATH that is not for this user holds the program nobody can tell: passed over.
    if (verdict === "denied" || (verdict === "hidden" && isPath)) denied = true;
  }
  if (denied) {
    throw new WeftError("permission", `run ${program}: permission denied`, {
      hint: "is it a file and executable?",
      fields: { errno: EACCES },
    });
  }
  throw new WeftError("not_found", `run ${program}: no such program (${errnoName(ENOENT)})`, {
    hint: isPath ? "check the path" : "is it installed and on PATH?",
    fields: { errno: ENOENT },
  });
}

function canRun(path: string): "yes" | "denied" | "hidden" | "missing" {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return "missing";
    // Whether it may be run by this user the kernel decides at exec.
    return stats.isFile() && (stats.mode & 0o111) !== 0 ? "yes" : "denied";
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EACCES" ? "hidden" : "missing";
  }
}

/** The descriptors that the child gets, and those that have to be closed here whatever happens. */
class ChildDescriptors {
  readonly sources: readonly number[];
  readonly #theirs: number[] = [];
  readonly #ours = new Map<number, number>();
  #isTaken = false;

  constructor(stdio: readonly StdioSource[]) {
    const sources: number[] = [];
    try {
      for (const [index, source] of stdio.entries()) sources.push(this.#open(source, index));
    } catch (error) {
      this.close();
      throw error;
    }
    this.sources = sources;
  }

  takeOurEnds(): ReadonlyMap<number, number> {
    this.#isTaken = true;
    return this.#ours;
  }

  close(): void {
    for (const fd of this.#theirs) closeDescriptor(fd);
    if (!this.#isTaken) for (const fd of this.#ours.values()) closeDescriptor(fd);
  }

  #open(source: StdioSource, index: number): number {
    if (source === "inherit") return index;
    if (source === "null") {
      const fd = openSync("/dev/null", "r+");
      this.#theirs.push(fd);
      return fd;
    }
    if (source !== "pipe") return source.fd;
    const { readEnd, writeEnd } = makePipe();
    const [theirs, ours] = index === 0 ? [readEnd, writeEnd] : [writeEnd, readEnd];
    this.#theirs.push(theirs);
    this.#ours.set(index, ours);
    return theirs;
  }
}
