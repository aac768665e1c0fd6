/**
 * Everything that a mesh could leave on a machine, looked at from outside of it: processes, namespaces, links, rules, mounts,
 * sockets, files. Taken while a mesh runs it proves that there was something to leave.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { RouteSocket } from "../../../src/intercept/index.ts";
import { ruleTables } from "./rule-tables.ts";

export interface Footprint {
  readonly links: readonly string[];
  readonly addresses: readonly string[];
  readonly mounts: readonly string[];
  /** Names that keep a namespace without a process. */
  readonly namedNamespaces: readonly string[];
  /** Of nf_tables. */
  readonly tables: readonly string[];
}

/** Of the whole machine, in the namespaces of this process. */
export function machineFootprint(): Footprint {
  const routes = new RouteSocket();
  try {
    return {
      links: routes
        .links()
        .map(({ name, isUp }) => `${name} ${isUp ? "up" : "down"}`)
        .toSorted(),
      addresses: [...routes.addresses()].toSorted(),
      mounts: read("/proc/self/mountinfo").split("\n").toSorted(),
      namedNamespaces: [...list("/run/netns"), ...list("/var/run/netns")],
      tables: ruleTables(),
    };
  } finally {
    routes.close();
  }
}

/** What belongs to whoever has `mark` in the environment: as all processes of a test's mesh do from the first one on. */
export interface MarkedFootprint {
  readonly processes: readonly string[];
  readonly namespaces: ReadonlySet<string>;
}

const namespaceKinds = ["net", "user", "mnt", "pid", "ipc", "uts", "cgroup"];

export function markedFootprint(mark: string): MarkedFootprint {
  const processes: string[] = [];
  const namespaces = new Set<string>();
  for (const pid of list("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    if (!read(`/proc/${pid}/environ`).includes(mark)) continue;
    processes.push(`${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
    for (const name of namespacesOf(pid)) namespaces.add(name);
  }
  return { processes, namespaces };
}

/** Of this process. */
export function ownNamespaces(): ReadonlySet<string> {
  return new Set(namespacesOf("self"));
}

/** Of these, the ones that some process or descriptor on this machine still holds. */
export function namespacesInUse(candidates: ReadonlySet<string>): string[] {
  const used = new Set<string>();
  for (const pid of list("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const name of namespacesOf(pid)) used.add(name);
    for (const fd of list(`/proc/${pid}/fd`)) used.add(link(`/proc/${pid}/fd/${fd}`));
  }
  return [...candidates].filter((name) => name !== "" && used.has(name));
}

/** Names of Unix sockets that contain `mark`, of paths and abstract ones alike. */
export function unixSockets(mark: string): string[] {
  return read("/proc/net/unix")
    .split("\n")
    .filter((line) => line.includes(mark));
}

/** Every file below a folder. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).toSorted();
}

function namespacesOf(pid: string): string[] {
  return namespaceKinds.map((kind) => link(`/proc/${pid}/ns/${kind}`));
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
