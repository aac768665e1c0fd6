/** What the figures were measured on. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

export function machine(): string {
  const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  return `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, Linux ${kernel}`;
}
