/** What a mesh could leave on a machine, for comparing before and after: links, mounts, processes. */
import { readdirSync, readFileSync } from "node:fs";

/** As text, so that a difference can be read. */
export function machineState(): string {
  const links = readdirSync("/sys/class/net").toSorted();
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n").toSorted();
  return [`links: ${links.join(" ")}`, ...mounts].join("\n");
}

/** Processes that carry `mark` in their environment, as all of a mesh's do from its first process on. */
export function processesWithMark(mark: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const environment = readProc(`/proc/${name}/environ`);
    if (environment.includes(mark))
      found.push(`${name} ${readProc(`/proc/${name}/cmdline`).replaceAll("\0", " ")}`);
  }
  return found;
}

/** Empty where the process is gone or somebody else's. */
function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
