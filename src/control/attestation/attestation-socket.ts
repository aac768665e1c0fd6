/**
 * A Unix socket on which a process of this machine asks who it is, by connecting and saying nothing. It gets one line of JSON:
 * `{"ticket", "namespace", "serviceAccount", "expiresInSeconds"}`, or `{"error": {"reason", "message"}}`, and then the end.
 * What a process says or sends decides nothing; what the kernel says of it does.
 */
import { chmodSync, lstatSync, readFileSync, rmSync } from "node:fs";
import {
  type AttributeRefusal,
  ExecutableHashes,
  type KnownProcess,
  matchProcess,
  type ProcessRefusal,
  type ProcessRule,
  type ProcessTickets,
  ProcessView,
  ticketLifeMs,
} from "../../identity/index.ts";
import { type Clock, errorLine, type Log, WeftError } from "../../kernel/index.ts";
import {
  connect,
  type Connection,
  listen,
  type Listener,
  type PeerCredentials,
  peerCredentials,
  type PeerProcess,
  peerProcess,
} from "../../net/index.ts";
import { UidRates } from "./uid-rates.ts";

export interface AttestationSocketOptions {
  readonly path: string;
  /** Those of now. */
  readonly rules: () => readonly ProcessRule[];
  readonly tickets: Pick<ProcessTickets, "issue">;
  readonly hashes?: ExecutableHashes;
  readonly onRefused: (reason: ProcessRefusal) => void;
  /** Holds on to the process; for tests of kernels that cannot. */
  readonly pin?: typeof peerProcess;
  readonly clock: Clock;
  readonly log: Log;
}

/** Three descriptors each. One user's bucket lets fewer than this through within `attestTimeoutMs`. */
const maxConnections = 512;
/** For all of it. Reading the largest file that is taken lasts a second or two. */
const attestTimeoutMs = 10_000;
const probeTimeoutMs = 1_000;
const ticksPerSecond = 100;

export class AttestationSocket {
  readonly #options: AttestationSocketOptions;
  readonly #hashes: ExecutableHashes;
  readonly #rates: UidRates;
  readonly #listener: Listener;
  #isWarned = false;

  private constructor(options: AttestationSocketOptions) {
    const { path } = options;
    this.#options = options;
    this.#hashes = options.hashes ?? new ExecutableHashes();
    this.#rates = new UidRates(options.clock);
    this.#listener = listen({
      unixPath: path,
      bounds: () => ({ maxConnections, maxHandshakes: 0, handshakeTimeoutMs: attestTimeoutMs }),
      onConnection: (connection) => void this.#serve(connection),
      onRefused: () => options.onRefused("overloaded"),
    });
    // Everybody may ask: who it is decides what the answer is.
    chmodSync(path, 0o666);
  }

  /** Throws `address_in_use` where somebody serves there, `conflict` where something else lies there, and what `listen` throws. */
  static async open(options: AttestationSocketOptions): Promise<AttestationSocket> {
    await clear(options.path);
    return new AttestationSocket(options);
  }

  close(): void {
    this.#listener.closeAll();
    rmSync(this.#options.path, { force: true });
  }

  async #serve(connection: Connection): Promise<void> {
    const { clock, log } = this.#options;
    const acceptedTicks = ticksNow();
    const peer = peerCredentials(connection);
    const rate = peer === undefined ? "refused" : this.#rates.take(peer.uid);
    if (peer === undefined || rate !== "taken") {
      const refusal = peer === undefined ? "unknown_peer" : "rate_limited";
      this.#note(peer, { refusal, detail: messages[refusal] }, rate !== "refused");
      // Reset, without a word but for the first time: a connection that waits for its end would take somebody's place.
      if (rate === "refused") connection.terminate();
      else answer(connection, errorOf(refusal));
      return;
    }
    if (isUnmapped(peer)) {
      const detail = "its user or group has no number in the user namespace of the control plane";
      return this.#refuse(connection, peer, { refusal: "unknown_peer", detail });
    }
    const stop = new Stop(connection);
    const timer = clock.after(attestTimeoutMs, () =>
      stop.now({ refusal: "timeout", detail: `looking at it took longer than ${attestTimeoutMs} ms` }),
    );
    const result = await this.#look(connection, peer, stop, acceptedTicks).catch(
      (error: unknown): Looked => ({
        result: { refusal: "unreadable", detail: errorLine(error) },
        seen: {},
      }),
    );
    timer.cancel();
    const outcome = stop.reason ?? result.result;
    if ("refusal" in outcome) return this.#refuse(connection, peer, outcome, result.seen);
    const { namespace, serviceAccount, rule } = outcome;
    const ticket = this.#options.tickets.issue(outcome);
    if (ticket === undefined) {
      return this.#refuse(connection, peer, { refusal: "exhausted", detail: "too many tickets are out" });
    }
    log.info("a process is known", { ...peer, ...result.seen, rule, namespace, serviceAccount });
    answer(connection, { ticket, namespace, serviceAccount, expiresInSeconds: ticketLifeMs / 1_000 });
  }

  async #look(
    connection: Connection,
    peer: PeerCredentials,
    stop: Stop,
    acceptedTicks: number,
  ): Promise<Looked> {
    const pinned = (this.#options.pin ?? peerProcess)(connection);
    if (pinned === "gone") return { result: gone, seen: {} };
    if (pinned === "unsupported") this.#warn();
    const view = await ProcessView.open({ credentials: peer, hashes: this.#hashes, signal: stop.signal });
    try {
      if ("refusal" in view) return { result: view, seen: {} };
      // Without a hold on the process: one that began later than the connection did not make it.
      if (pinned === "unsupported" && view.startTicks >= acceptedTicks) return { result: gone, seen: {} };
      const matched = await Promise.race([matchProcess(this.#options.rules(), view), stop.stopped]);
      const seen = await view.described();
      const changed = await view.check();
      if (changed !== undefined) return { result: changed, seen };
      return { result: isHeld(pinned, peer.pid) && connection.isOpen ? matched : gone, seen };
    } finally {
      if (pinned !== "unsupported") pinned.release();
      if (!("refusal" in view)) await view.close();
    }
  }

  #warn(): void {
    if (!this.#isWarned) {
      this.#options.log.warn(
        "this kernel cannot hold on to the process behind a connection (Linux 6.5 can); only times of start tell a reused number",
      );
    }
    this.#isWarned = true;
  }

  #refuse(
    connection: Connection,
    peer: PeerCredentials,
    why: AttributeRefusal,
    seen: Looked["seen"] = {},
  ): void {
    this.#note({ ...peer, ...seen }, why);
    answer(connection, errorOf(why.refusal));
  }

  #note(about: object | undefined, { refusal, detail }: AttributeRefusal, isSaid = true): void {
    this.#options.onRefused(refusal);
    if (isSaid) this.#options.log.warn("a process is not attested", { ...about, reason: refusal, detail });
  }
}

interface Looked {
  readonly result: KnownProcess | AttributeRefusal;
  /** For the log. */
  readonly seen: Readonly<Record<string, string>>;
}

const gone: AttributeRefusal = { refusal: "gone", detail: "the process or its connection is no more" };

/** Ends the looking when the process goes, speaks, or takes too long. */
class Stop {
  readonly #controller = new AbortController();
  readonly stopped: Promise<AttributeRefusal>;
  reason: AttributeRefusal | undefined;
  #resolve: (reason: AttributeRefusal) => void = () => {};

  constructor(connection: Connection) {
    this.stopped = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    connection.sink = {
      onData: () => this.now({ refusal: "malformed", detail: "it said something; there is nothing to say" }),
      onDrain: () => {},
      onEnd: () => this.now(gone),
      onClose: () => this.now(gone),
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  now(reason: AttributeRefusal): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.#controller.abort();
    this.#resolve(reason);
  }
}

function isHeld(pinned: PeerProcess | "unsupported", pid: number): boolean {
  return pinned === "unsupported" || pinned.is(pid);
}

/** For the process: says nothing of the rules. The log says the rest. */
const messages: Record<ProcessRefusal, string> = {
  no_rule: "no rule is for this process; the control plane's log says what did not fit",
  unreadable: "what the rules ask for cannot be read of this process; the control plane's log says more",
  too_large: "the executable is too large",
  gone: "the process, its program or its connection changed while it was looked at",
  timeout: "looking at the process took too long",
  rate_limited: "processes of this user ask too often",
  overloaded: "too many processes ask at once",
  unknown_peer: "the kernel does not tell which process this is",
  exhausted: "too many tickets are out",
  malformed: "connect, say nothing, and read one line",
};

function errorOf(reason: ProcessRefusal): object {
  return { error: { reason, message: messages[reason] } };
}

/** Then the end, but no reset: that could overtake the answer while the process still connects. */
function answer(connection: Connection, message: object): void {
  connection.write(Buffer.from(`${JSON.stringify(message)}\n`));
  connection.close();
}

/** What a user or group looks like that this process's user namespace does not know. */
const unmappedId = 65_534;

function isUnmapped({ uid, gid }: PeerCredentials): boolean {
  if (uid !== unmappedId && gid !== unmappedId) return false;
  // In the first namespace all are known, and this is somebody real.
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
}

function ticksNow(): number {
  const [seconds = "0"] = readFileSync("/proc/uptime", "utf8").split(" ");
  return Math.floor(Number(seconds) * ticksPerSecond);
}

/** A socket file that a killed control plane left is removed; a live one's, and anything else, is not. */
async function clear(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new WeftError("conflict", `${path} is there already and is no socket`, {
      hint: "name another path",
    });
  }
  const isServed = await new Promise<boolean>((resolve) => {
    connect({ address: "", port: 0, unixPath: path, timeoutMs: probeTimeoutMs }, (result) => {
      if ("terminate" in result) result.terminate();
      resolve("terminate" in result);
    });
  });
  if (isServed) throw new WeftError("address_in_use", `another control plane serves ${path}`);
  rmSync(path, { force: true });
}
