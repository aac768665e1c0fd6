/**
 * Holds on to the very process at the other end of a Unix socket, so that its number cannot come to mean another one unnoticed.
 * Needs SO_PEERPIDFD (Linux 6.5).
 */
import { readFileSync } from "node:fs";
import type { Connection } from "./connection.ts";
import { lastErrno, libc, readOption } from "./libc.ts";

const solSocket = 1;
const soPeerPidfd = 77;
const errnoNoOption = 92;

export interface PeerProcess {
  /** Whether `pid` still is the process that connected; it may have ended as long as nobody else can have the number. */
  is(pid: number): boolean;
  release(): void;
}

/** `unsupported`: this kernel does not tell. `gone`: the process is no more, or the connection is closed. */
export function peerProcess(connection: Connection): PeerProcess | "unsupported" | "gone" {
  const { fd } = connection;
  if (libc === undefined) return "unsupported";
  if (fd < 0) return "gone";
  const bytes = readOption(fd, solSocket, soPeerPidfd, 4);
  if (bytes?.length !== 4) return lastErrno() === errnoNoOption ? "unsupported" : "gone";
  const pidfd = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  let isHeld = true;
  return {
    is: (pid) => isHeld && pidOf(pidfd) === pid,
    release() {
      if (isHeld) libc?.close(pidfd);
      isHeld = false;
    },
  };
}

/** -1 once the process was waited for: from then on its number is free. */
function pidOf(pidfd: number): number {
  try {
    return Number(/^Pid:\s*(-?\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${pidfd}`, "utf8"))?.[1] ?? -1);
  } catch {
    return -1; // without /proc nothing can be known of anybody
  }
}
