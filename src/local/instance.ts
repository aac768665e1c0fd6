/**
 * One running mesh on this machine, known by a name: its directory outside the data directory (sockets for the relay,
 * and `instance.json`, by which other commands find it), and the lock that keeps a second one of the name away. The
 * lock is the kernel's, so it is free the moment that its holder dies; what such a holder left is cleaned up here.
 */
import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  isSameProcess,
  killAll,
  lockFile,
  processesInNetNamespace,
  processesWithVariable,
  processStartTime,
} from "../intercept/index.ts";
import { type Log, WeftError } from "../kernel/index.ts";
import type { IsolationKind, SocketAddress } from "./fabric.ts";
import { siteVariable } from "./site-launch.ts";

export interface InstanceRecord {
  readonly name: string;
  /** Different for each start, so that a mesh's processes can be told from those of the one before. */
  readonly id: string;
  readonly pid: number;
  readonly startTime: string;
  readonly isolation: IsolationKind;
  /** The process in the fabric's namespaces; kinds netns and userns. */
  readonly inner?: { readonly pid: number; readonly startTime: string; readonly netNamespaceId: number };
  readonly dataDir: string;
  readonly tokenFile: string;
  readonly api: SocketAddress;
  readonly ads: SocketAddress;
}

const namePattern = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
const recordFile = "instance.json";
/** sockaddr_un holds 108 bytes with the final zero; the longest name is an IPv6 address with a port. */
const maxSocketPathBytes = 107;
const longestSocketName = `${"0".repeat(39)}:65535.sock`;
const killMs = 3000;
/** A claim that raced with another one's end starts over; more often than this means that something is wrong. */
const maxClaimAttempts = 10;

export function hostDirectory(instanceDirectory: string): string {
  return join(instanceDirectory, "host");
}

/** Where something inside listens that the relay serves at `address` on the host. */
export function hostSocketPath(instanceDirectory: string, host: SocketAddress): string {
  return join(hostDirectory(instanceDirectory), `${host.address}:${host.port}.sock`);
}

/** Of this user: WEFT_RUNTIME_DIR, else a directory that the system clears by itself. */
export function instanceRoot(env: Readonly<Record<string, string | undefined>>): string {
  const own = env["WEFT_RUNTIME_DIR"];
  if (own !== undefined && own !== "") return own;
  const runtime = env["XDG_RUNTIME_DIR"];
  if (runtime !== undefined && runtime !== "" && isOwnDirectory(runtime)) return join(runtime, "weft");
  return join(tmpdir(), `weft-${process.getuid?.() ?? 0}`);
}

export class Instance {
  readonly name: string;
  readonly id: string;
  readonly directory: string;
  readonly #root: string;
  readonly #lockFd: number;
  #isClosed = false;

  private constructor(root: string, name: string, lockFd: number) {
    this.name = name;
    this.id = crypto.randomUUID();
    this.directory = join(root, name);
    this.#root = root;
    this.#lockFd = lockFd;
  }

  /**
   * Takes the name, ending and removing what a crashed mesh of that name left. Throws WeftError `already_exists`
   * where one runs, `bad_input`, `permission`.
   */
  static async claim(root: string, name: string, log: Log): Promise<Instance> {
    checkName(root, name);
    makeOwnDirectory(root);
    const directory = join(root, name);
    makeOwnDirectory(directory);
    const lockFd = takeLock(directory, name);
    try {
      await cleanUp(directory, log);
      mkdirSync(hostDirectory(directory), { mode: 0o700 });
    } catch (error) {
      closeSync(lockFd);
      throw error;
    }
    return new Instance(root, name, lockFd);
  }

  /** Makes the mesh known to other commands, or what is known of it newer. Readers see the old file or the new one. */
  publish(record: Omit<InstanceRecord, "name" | "id" | "pid" | "startTime">): void {
    const whole: InstanceRecord = {
      name: this.name,
      id: this.id,
      pid: process.pid,
      startTime: processStartTime(process.pid) ?? "",
      ...record,
    };
    const path = join(this.directory, recordFile);
    writeFileSync(`${path}.new`, `${JSON.stringify(whole, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** Ends whatever of the mesh still runs, then removes its directory. Idempotent. */
  async close(log: Log): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await endProcesses(this.id, undefined, log);
    rmSync(this.directory, { recursive: true, force: true });
    removeIfEmpty(this.#root);
    closeSync(this.#lockFd);
  }
}

/** Those that run, in the order of their names. */
export function runningInstances(root: string): InstanceRecord[] {
  let names: string[];
  try {
    names = readdirSync(root).toSorted();
  } catch {
    return [];
  }
  return names
    .map((name) => readRecord(join(root, name)))
    .filter((record) => record !== undefined)
    .filter((record) => isSameProcess(record.pid, record.startTime));
}

/** By name, or the only one there is. Throws WeftError `not_found`, `usage` where a name is needed. */
export function findInstance(root: string, name: string | undefined): InstanceRecord {
  const running = runningInstances(root);
  if (name !== undefined) {
    const record = running.find((candidate) => candidate.name === name);
    if (record !== undefined) return record;
    throw new WeftError("not_found", `no local mesh named ${name} is running`, {
      hint: "start one with weft up",
    });
  }
  const [only, another] = running;
  if (only === undefined) {
    throw new WeftError("not_found", "no local mesh is running", { hint: "start one with weft up" });
  }
  if (another !== undefined) {
    const names = running.map((record) => record.name).join(", ");
    throw new WeftError("usage", `several local meshes are running: ${names}`, {
      hint: "choose one by --instance",
    });
  }
  return only;
}

function checkName(root: string, name: string): void {
  if (!namePattern.test(name)) {
    throw new WeftError("bad_input", `${JSON.stringify(name)} cannot name an instance`, {
      hint: "use up to 32 lower-case letters, digits and dashes",
    });
  }
  const longest = join(hostDirectory(join(root, name)), longestSocketName);
  if (new TextEncoder().encode(longest).length > maxSocketPathBytes) {
    throw new WeftError("bad_input", `the path ${join(root, name)} is too long for unix sockets in it`, {
      hint: "set WEFT_RUNTIME_DIR to a shorter one",
    });
  }
}

/** For this user alone: others could otherwise put sockets or records there. */
function makeOwnDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (!isOwnDirectory(path)) {
    throw new WeftError("permission", `${path} is not a directory that belongs to this user alone`, {
      hint: "remove it, or set WEFT_RUNTIME_DIR to another one",
    });
  }
}

function isOwnDirectory(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return (
    stats?.isDirectory() === true &&
    stats.uid === (process.getuid?.() ?? stats.uid) &&
    (stats.mode & 0o022) === 0
  );
}

function takeLock(directory: string, name: string): number {
  const path = join(directory, "lock");
  for (let attempt = 0; attempt < maxClaimAttempts; attempt++) {
    makeOwnDirectory(directory);
    const fd = openSync(path, "a", 0o600);
    if (!lockFile(fd)) {
      closeSync(fd);
      const pid = readRecord(directory)?.pid;
      throw new WeftError(
        "already_exists",
        `an instance named ${name} is running already${pid === undefined ? "" : ` (pid ${pid})`}`,
        { hint: "end it, or choose another name by --instance" },
      );
    }
    // Its holder may have removed the file between our opening and locking it: then the lock guards nothing.
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd;
    closeSync(fd);
  }
  throw new WeftError("conflict", `instance ${name} is being started and ended by others at the same time`);
}

/** Only with the lock held. */
async function cleanUp(directory: string, log: Log): Promise<void> {
  const record = readRecord(directory);
  if (record !== undefined) {
    log.info("cleaning up after a mesh that did not end properly", {
      instance: record.name,
      pid: record.pid,
    });
    await endProcesses(record.id, record.inner?.netNamespaceId, log);
  }
  for (const entry of readdirSync(directory)) {
    if (entry !== "lock") rmSync(join(directory, entry), { recursive: true, force: true });
  }
}

/**
 * By the mark in their environment, which their own children inherit; and by the fabric's namespace as long as a
 * marked process proves that its number still means that namespace and not a newer one.
 */
async function endProcesses(id: string, netNamespaceId: number | undefined, log: Log): Promise<void> {
  const marked = (): number[] => processesWithVariable(siteVariable, `${id}/`);
  const inFabric = netNamespaceId === undefined ? [] : processesInNetNamespace(netNamespaceId);
  const isStillFabric = inFabric.some((pid) => marked().includes(pid));
  const find = (): number[] => [
    ...marked(),
    ...(isStillFabric && netNamespaceId !== undefined ? processesInNetNamespace(netNamespaceId) : []),
  ];
  const left = await killAll(find, killMs);
  if (left.length > 0) log.warn("processes of the mesh would not end", { pids: left.join(",") });
}

function readRecord(directory: string): InstanceRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(directory, recordFile), "utf8"));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The directory is this user's own, so this guards against other versions, not against attackers. */
function isRecord(value: unknown): value is InstanceRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "id" in value &&
    typeof value.id === "string" &&
    value.id.length >= 8 &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "startTime" in value &&
    typeof value.startTime === "string" &&
    "isolation" in value &&
    "api" in value &&
    "ads" in value
  );
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    return;
  }
}
