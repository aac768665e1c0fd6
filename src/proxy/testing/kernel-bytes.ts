/** How much of what a test sent lies in the kernel, so that what the proxies hold can be told apart from it. Linux only. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * What lies in the kernel's buffers of this process's TCP sockets. How much that may be is the kernel's choice: it lets
 * them grow to several megabytes, and on fast hops to tens, which says nothing about the proxies.
 */
export function kernelBytes(): number {
  const sockets = new Set(readdirSync("/proc/self/fd").map(socketOf));
  let bytes = 0;
  for (const line of readFileSync("/proc/self/net/tcp", "latin1").split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [queues, inode] = [fields[4], fields[9]];
    if (inode === undefined || !sockets.has(inode)) continue;
    for (const queue of queues?.split(":") ?? []) bytes += Number.parseInt(queue, 16);
  }
  return bytes;
}

/** The inode number by which the kernel's list names a descriptor's socket. */
function socketOf(fd: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  } catch {
    // The descriptor of the folder that was being read.
    return undefined;
  }
}
