/**
 * What a child does between fork and exec, as a list that `native.c` runs there: it must not allocate, so everything
 * is laid out here before the fork. The order is this file's business and is explained where it matters.
 */
import { ptr } from "bun:ffi";
import { ENOENT } from "./errno.ts";
import {
  type CapabilityName,
  capabilityNumbers,
  type JoinedNamespace,
  type LaunchSpec,
} from "./launch-spec.ts";
import { cString } from "./native.ts";

/** The numbers of `run_step` in native.c. */
const ops = {
  setns: 1,
  unshare: 2,
  writeFile: 3,
  mountPropagation: 4,
  mount: 5,
  dropCapability: 6,
  clearInheritable: 7,
  setsid: 8,
  chdir: 9,
  dup2: 10,
  passNoOther: 11,
  deathSignal: 12,
  exec: 13,
  exit: 14,
} as const;

const CLONE_NEWNS = 0x00020000;
const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWNET = 0x40000000;
const MS_BIND = 4096;
const MS_REC = 16384;
/** Later unmounts of the host still arrive, so that the child holds no disk that the host lets go. */
const MS_SLAVE = 1 << 19;

const namespaceFlags: Record<JoinedNamespace["kind"], number> = {
  user: CLONE_NEWUSER,
  net: CLONE_NEWNET,
  mount: CLONE_NEWNS,
};

/** More than any caller passes on. */
const maxStdio = 32;
const wordsPerStep = 6;

export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

interface Step {
  readonly op: number;
  readonly a?: number;
  readonly b?: number;
  readonly first?: Uint8Array | BigUint64Array;
  readonly second?: Uint8Array | BigUint64Array;
  readonly ignore?: number;
  /** For the message when it fails. */
  readonly words: string;
}

export class LaunchSteps {
  readonly #steps: Step[] = [];
  readonly #held: (Uint8Array | BigUint64Array)[] = [];
  #reserved = maxStdio;

  get count(): number {
    return this.#steps.length;
  }

  /** The steps write to no descriptor from this one on. */
  get reservedDescriptors(): number {
    return this.#reserved;
  }

  wordsAt(index: number): string {
    return this.#steps[index]?.words ?? "start";
  }

  isExec(index: number): boolean {
    return this.#steps[index]?.op === ops.exec;
  }

  /** Namespaces, from the outermost in. `own` is what the caller is seen as outside a new user namespace. */
  addNamespaces(spec: LaunchSpec, own: Ids): void {
    for (const namespace of spec.join ?? []) {
      this.#add({
        op: ops.setns,
        a: namespace.fd,
        b: namespaceFlags[namespace.kind],
        words: `enter a ${namespace.kind} namespace`,
      });
    }
    if (spec.newUser !== undefined) this.#addUserNamespace(spec.newUser, own);
    if (spec.newNet === true) {
      this.#add({ op: ops.unshare, a: CLONE_NEWNET, words: "make a network namespace" });
    }
    if (spec.binds !== undefined && spec.binds.length > 0) {
      this.#add({ op: ops.unshare, a: CLONE_NEWNS, words: "make a mount namespace" });
      this.#add({ op: ops.mountPropagation, a: MS_REC | MS_SLAVE, words: "keep mounts to itself" });
    }
    for (const bind of spec.binds ?? []) {
      this.#add({
        op: ops.mount,
        a: MS_BIND,
        first: cString(bind.source),
        second: cString(bind.target),
        ignore: ENOENT,
        words: `show ${bind.source} at ${bind.target}`,
      });
    }
  }

  addStdio(sources: readonly number[]): void {
    if (sources.length > maxStdio) throw new RangeError(`more than ${maxStdio} descriptors`);
    // First all above every source, then down: so none is overwritten that is still to be passed on.
    const parking = Math.max(maxStdio, ...sources.map((fd) => fd + 1));
    this.#reserved = parking + sources.length;
    for (const [index, fd] of sources.entries()) {
      this.#add({ op: ops.dup2, a: fd, b: parking + index, words: `pass descriptor ${fd} on` });
    }
    for (const index of sources.keys()) {
      this.#add({ op: ops.dup2, a: parking + index, b: index, words: `place descriptor ${index}` });
    }
    this.#add({ op: ops.passNoOther, a: sources.length, words: "close other descriptors" });
  }

  addDirectory(path: string): void {
    this.#add({ op: ops.chdir, first: cString(path), words: `change to directory ${path}` });
  }

  addSession(): void {
    this.#add({ op: ops.setsid, words: "start a session" });
  }

  /** After everything that needs the rights: the confinement, then the capabilities, which the former would give back. */
  addConfinement(spec: LaunchSpec, inside: Ids): void {
    if (spec.confineTo !== undefined) this.#addUserNamespace(spec.confineTo, inside);
    if (spec.dropCapabilities === undefined) return;
    for (const name of spec.dropCapabilities) this.#addDrop(name);
    this.#add({ op: ops.clearInheritable, words: "clear inheritable capabilities" });
  }

  /** After every change of credentials: the kernel forgets the death signal at each of them. */
  addDeathSignal(signal: number, parentPid: number): void {
    this.#add({ op: ops.deathSignal, a: signal, b: parentPid, words: "ask for the death signal" });
  }

  addExec(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): void {
    const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const environment = this.#pointers(pairs);
    this.#held.push(environment);
    this.#add({
      op: ops.exec,
      a: ptr(environment),
      first: cString(path),
      second: this.#pointers(argv),
      words: `run ${path}`,
    });
  }

  addExit(): void {
    this.#add({ op: ops.exit, words: "end" });
  }

  encode(): BigUint64Array {
    const words = new BigUint64Array(this.#steps.length * wordsPerStep);
    for (const [index, step] of this.#steps.entries()) {
      words.set(
        [
          BigInt(step.op),
          BigInt(step.a ?? 0),
          BigInt(step.b ?? 0),
          address(step.first),
          address(step.second),
          BigInt(step.ignore ?? 0),
        ],
        index * wordsPerStep,
      );
    }
    return words;
  }

  #addUserNamespace(inside: Ids, outside: Ids): void {
    this.#add({ op: ops.unshare, a: CLONE_NEWUSER, words: "make a user namespace" });
    // Without this first, a process that has no right outside may not map groups (user_namespaces(7)).
    this.#addWrite("/proc/self/setgroups", "deny");
    this.#addWrite("/proc/self/uid_map", `${inside.uid} ${outside.uid} 1`);
    this.#addWrite("/proc/self/gid_map", `${inside.gid} ${outside.gid} 1`);
  }

  #addWrite(path: string, text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#add({
      op: ops.writeFile,
      a: bytes.length,
      first: cString(path),
      second: bytes,
      words: `write ${path}`,
    });
  }

  #addDrop(name: CapabilityName): void {
    this.#add({ op: ops.dropCapability, a: capabilityNumbers[name], words: `drop capability ${name}` });
  }

  #pointers(texts: readonly string[]): BigUint64Array {
    const pointers = new BigUint64Array(texts.length + 1);
    for (const [index, text] of texts.entries()) {
      const bytes = cString(text);
      this.#held.push(bytes);
      pointers[index] = BigInt(ptr(bytes));
    }
    return pointers;
  }

  #add(step: Step): void {
    this.#steps.push(step);
  }
}

function address(array: Uint8Array | BigUint64Array | undefined): bigint {
  return array === undefined ? 0n : BigInt(ptr(array));
}
