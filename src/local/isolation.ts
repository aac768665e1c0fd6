/**
 * Chooses how a mesh's workloads are kept apart, by trying: a process of our own is started in new namespaces and sets
 * the fabric up there; what it cannot do it says, and the next kind is tried.
 */
import {
  closeDescriptor,
  type Launched,
  launch,
  makePipe,
  openReadOnly,
  type ProbeResult,
  probeNetNamespace,
  probeUserNamespace,
} from "../intercept/index.ts";
import { type Log, WeftError } from "../kernel/index.ts";
import type { IsolationKind } from "./fabric.ts";
import { type InnerMessage, readInnerMessages } from "./inner-report.ts";
import type { InstanceRecord } from "./instance.ts";
import { siteVariable } from "./site-launch.ts";

export type IsolationChoice = "auto" | IsolationKind;
export type InnerKind = Exclude<IsolationKind, "loopback">;

export interface InnerStart {
  /** The command line of the inner process, which has to send `fabric_ready` or `fabric_refused` first of all. */
  readonly argv: (kind: InnerKind) => readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly instanceId: string;
  readonly log: Log;
  /** What the inner process says after its fabric is set up; called when `isolate` has given its result, not before. */
  readonly onMessage: (message: InnerMessage) => void;
}

export interface Refused {
  readonly kind: InnerKind;
  readonly reason: string;
}

export type Isolation =
  | { readonly kind: "loopback"; readonly refused: readonly Refused[] }
  | {
      readonly kind: InnerKind;
      readonly refused: readonly Refused[];
      readonly inner: Launched;
      /** For the instance file. */
      readonly netNamespaceId: number;
    };

/** An inner process that says nothing for this long is stuck. It takes 0.1 s on an idle machine. */
const reportTimeoutMs = 20_000;
const SIGTERM = 15;
const SIGKILL = 9;

const probes: Record<InnerKind, () => ProbeResult> = {
  netns: probeNetNamespace,
  userns: probeUserNamespace,
};

/**
 * With `auto`: netns, then userns, then loopback, and why the earlier ones were refused. With a kind: that one, or
 * WeftError `permission`.
 */
export async function isolate(choice: IsolationChoice, start: InnerStart): Promise<Isolation> {
  if (process.platform !== "linux") {
    throw new WeftError("unavailable", `a local mesh needs Linux, this is ${process.platform}`, {
      hint: "run weft in a Linux container or virtual machine",
    });
  }
  const refused: Refused[] = [];
  const kinds: readonly InnerKind[] = ["netns", "userns"];
  for (const kind of kinds) {
    if (choice !== "auto" && choice !== kind) continue;
    const attempt = await tryKind(kind, start);
    if (typeof attempt !== "string") return { kind, refused, ...attempt };
    start.log.debug("isolation refused", { kind, reason: attempt });
    refused.push({ kind, reason: attempt });
  }
  const [first] = refused;
  if (choice !== "auto" && first !== undefined) {
    throw new WeftError("permission", `isolation ${first.kind} is not possible here: ${first.reason}`, {
      hint: "use --isolation auto",
    });
  }
  return { kind: "loopback", refused };
}

/**
 * Starts an inner process inside a running mesh of kind netns or userns. Throws WeftError `unavailable` where the mesh
 * has ended, `permission` where it is somebody else's.
 */
export async function joinFabric(
  record: InstanceRecord,
  start: InnerStart & { readonly ownSession?: boolean },
): Promise<Launched> {
  const { inner, isolation } = record;
  if (inner === undefined || isolation === "loopback") {
    throw new WeftError("internal", `instance ${record.name} has no namespaces to join`);
  }
  const held: number[] = [];
  const open = (file: string): number => {
    const fd = openReadOnly(`/proc/${inner.pid}/ns/${file}`);
    held.push(fd);
    return fd;
  };
  try {
    // The user namespace first: it gives the right to enter the other.
    const userFd = isolation === "userns" ? open("user") : undefined;
    const netFd = open("net");
    const attempt = await startInner(start, start.argv(isolation), {
      join: [
        ...(userFd === undefined ? [] : [{ kind: "user", fd: userFd } as const]),
        { kind: "net", fd: netFd },
      ],
      ownSession: start.ownSession ?? false,
    });
    if (typeof attempt !== "string") return attempt.inner;
    throw new WeftError("unavailable", `join instance ${record.name}: ${attempt}`);
  } finally {
    for (const fd of held) closeDescriptor(fd);
  }
}

async function tryKind(kind: InnerKind, start: InnerStart): Promise<InnerProcess | string> {
  // Cheaper than starting a process, and with a better reason.
  const refusal = probes[kind]();
  if (refusal !== undefined) return refusal;
  return startInner(start, start.argv(kind), {
    ...(kind === "userns" ? { newUser: { uid: 0, gid: 0 } } : {}),
    newNet: true,
    ownSession: true,
  });
}

interface InnerProcess {
  readonly inner: Launched;
  readonly netNamespaceId: number;
}

async function startInner(
  start: InnerStart,
  argv: readonly string[],
  place: Pick<Parameters<typeof launch>[0], "join" | "newUser" | "newNet" | "ownSession">,
): Promise<InnerProcess | string> {
  const { readEnd, writeEnd } = makePipe();
  let inner: Launched;
  try {
    inner = launch({
      ...place,
      argv,
      env: { ...start.env, [siteVariable]: `${start.instanceId}/inner` },
      stdio: ["inherit", "inherit", "inherit", { fd: writeEnd }],
      // Not SIGKILL: it has workloads to end.
      parentDeathSignal: SIGTERM,
    });
  } catch (error) {
    closeDescriptor(readEnd);
    throw error;
  } finally {
    closeDescriptor(writeEnd);
  }
  return awaitFabric(inner, readEnd, start.onMessage);
}

async function awaitFabric(
  inner: Launched,
  readEnd: number,
  onMessage: (message: InnerMessage) => void,
): Promise<InnerProcess | string> {
  const verdict = Promise.withResolvers<InnerProcess | string>();
  const laterMessages = new LaterMessages(onMessage);
  const reading = readInnerMessages(readEnd, (message) => {
    if (message.event === "fabric_ready") {
      verdict.resolve({ inner, netNamespaceId: message.netNamespaceId });
      laterMessages.release();
    } else if (message.event === "fabric_refused") {
      verdict.resolve(message.reason);
    } else {
      laterMessages.push(message);
    }
  });
  const timer = setTimeout(
    () => verdict.resolve("the fabric's process did not answer in time"),
    reportTimeoutMs,
  );
  const result = await Promise.race([verdict.promise, endOf(inner, reading)]);
  clearTimeout(timer);
  if (typeof result === "string") {
    inner.kill(SIGKILL);
    await inner.exited;
  }
  return result;
}

/** Its end may be known before its last words are read. */
async function endOf(inner: Launched, reading: Promise<void>): Promise<string> {
  const [exit] = await Promise.all([inner.exited, reading]);
  return `the fabric's process ended with ${exit.kind === "code" ? `code ${exit.code}` : `signal ${exit.signal}`}`;
}

/** Holds messages back until who waits for the fabric has got it: the first ones often come with the same read. */
class LaterMessages {
  readonly #onMessage: (message: InnerMessage) => void;
  #held: InnerMessage[] | undefined = [];

  constructor(onMessage: (message: InnerMessage) => void) {
    this.#onMessage = onMessage;
  }

  push(message: InnerMessage): void {
    if (this.#held === undefined) this.#onMessage(message);
    else this.#held.push(message);
  }

  release(): void {
    // After every continuation that awaits the result.
    setImmediate(() => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const message of held) this.#onMessage(message);
    });
  }
}
