/**
 * Network namespaces held by descriptor: nothing in the file system refers to them, so they vanish with their last
 * process, descriptor and socket.
 */
import { fstatSync, statSync } from "node:fs";
import { CLONE_NEWNET } from "./launch-steps.ts";
import { check, closeDescriptor, openReadOnly } from "./native.ts";
import { native } from "./native-calls.ts";

/** Of the calling thread: a process's other threads may stand elsewhere. */
const ownNamespacePath = "/proc/thread-self/ns/net";

export class NetNamespace {
  readonly fd: number;
  /** Inode of the namespace, the number that `/proc/<pid>/ns/net` shows. */
  readonly id: number;
  #isClosed = false;

  private constructor(fd: number) {
    this.fd = fd;
    this.id = fstatSync(fd).ino;
  }

  /** A new one, with nothing in it but a loopback that is down. Throws WeftError `permission`. */
  static create(): NetNamespace {
    const home = openReadOnly(ownNamespacePath);
    try {
      check("make a network namespace", native().unshare(CLONE_NEWNET));
      try {
        return new NetNamespace(openReadOnly(ownNamespacePath));
      } finally {
        goTo(home);
      }
    } finally {
      closeDescriptor(home);
    }
  }

  /** That of a running process. Throws WeftError `not_found`, `permission`. */
  static ofProcess(pid: number): NetNamespace {
    return new NetNamespace(openReadOnly(`/proc/${pid}/ns/net`));
  }

  /**
   * Runs `action` with the calling thread inside. It must be synchronous: whatever runs later runs at home. Sockets
   * made in it stay inside for life. Never start anything there that makes threads (fetch, DNS).
   */
  run<T>(action: () => T extends Promise<unknown> ? never : T): T {
    const home = openReadOnly(ownNamespacePath);
    try {
      check("enter a network namespace", native().setns(this.fd, CLONE_NEWNET));
      try {
        return action();
      } finally {
        goTo(home);
      }
    } finally {
      closeDescriptor(home);
    }
  }

  /** Lets go of it. What still runs inside keeps it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeDescriptor(this.fd);
  }
}

/** The inode of the network namespace that this thread is in. */
export function currentNetNamespaceId(): number {
  return statSync(ownNamespacePath).ino;
}

/** A thread left in the wrong namespace would make every later socket there: no error may be swallowed here. */
function goTo(home: number): void {
  check("return to the own network namespace", native().setns(home, CLONE_NEWNET));
}
