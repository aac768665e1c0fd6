/**
 * Finds out what a connection speaks whose port declares nothing, or declares HTTP that nobody has spoken there yet. Whoever speaks first decides; nobody is kept waiting
 * for a guess. `memory` says only how long the client is listened to before its endpoint is dialled as well.
 *
 *   listening --client's bytes are HTTP's---------------------------------> HTTP                         learns http
 *       | \-----client's bytes are others-, it ended, undecided for long--> TCP                          learns tcp
 *       | client silent: for 5 ms where nothing is known, 0 where bytes were seen here before, 3 s where HTTP was
 *       v
 *   dialling, then connected; the client is still listened to
 *       |-------client's bytes are HTTP's --> connection dropped unused --> HTTP                         learns http
 *       |-------client's bytes are others ... ----------------------------> TCP on this connection       learns tcp
 *       |-------server's bytes -------------------------------------------> TCP on this connection       learns server-first
 *       |-------server ends, resets or cannot be reached -----------------> the client sees the same
 *       v                                     (where HTTP is known: back to listening, for good)
 *   client gone: dropped
 *
 * On a port that declares HTTP every byte of the client's leads to HTTP, which judges it, and the server's bytes show that
 * the declaration is wrong: without this, client and proxy would wait for one another.
 */
import { type CloseCause, type Connection, type ConnectionSink, detectProtocol } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import type { ClientConnection, ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import type { Spoken } from "./protocol-memory.ts";
import { type DialListener, TcpDial, type TcpTarget } from "./tcp-dial.ts";
import { type OpenedDial, TcpSession, tcpIdleTimeoutMs } from "./tcp-session.ts";

/** What a detection is about, and what becomes of the connection where it is no TCP session. */
export interface Detection {
  readonly connection: Connection;
  readonly context: ServeContext;
  readonly members: ConnectionSet;
  /** Of the memory. */
  readonly key: string;
  readonly isDeclaredHttp: boolean;
  /** Policies are asked before anything is dialled, so nothing is dialled on a guess. */
  readonly isGuarded?: boolean;
  /** Undefined: there is nothing to dial. */
  target(protocol: SessionProtocol): TcpTarget | undefined;
  /** Takes the connection over. */
  onHttp(alreadyRead: Uint8Array): void;
  onNoTarget(): void;
  /** The port declares HTTP. */
  onServerFirst(): void;
}

/**
 * A client that speaks first writes in the same breath in which it connects: its bytes are there within a millisecond or
 * two, a loaded machine's scheduler included. Waiting too short costs one connection that is opened and not used, waiting
 * too long delays every greeting of a server on a port that is not known yet.
 */
const silenceMs = 5;
/**
 * Where HTTP was spoken before, a silent client is a pool's spare connection, which needs none to the server. It is not
 * for ever: the port may have changed hands, and then this is what the first client of a server that speaks first waits
 * (MySQL's clients have patience for 10 s, SSH's and SMTP's for longer).
 */
const httpSilenceMs = 3_000;
/** For the rest of a first line. No program pauses for longer inside of one; one without a line's end speaks no HTTP. */
const undecidedMs = 100;
/** Where MeshConfig has no limits: as long as a connection of declared HTTP may say nothing. */
const defaultHttpIdleMs = 300_000;

export class ProtocolDetector implements ConnectionSink, ClientConnection, DialListener {
  readonly #detection: Detection;
  readonly #known: Spoken | undefined;
  /** A silent client is no sign of a server that speaks first. */
  readonly #expectsHttp: boolean;
  readonly #startMs: number;
  #cancelTimer: () => void = () => {};
  #read: Uint8Array | undefined;
  #isClientEnded = false;
  #dial: TcpDial | undefined;
  #isDone = false;

  private constructor(detection: Detection) {
    this.#detection = detection;
    this.#known = detection.context.protocols.recall(detection.key);
    this.#expectsHttp = detection.isDeclaredHttp || this.#known === "http";
    this.#startMs = detection.context.coarseNowMs;
  }

  /** Takes the connection over, with what was read of it and whether it ended behind that. */
  static start(detection: Detection, alreadyRead: Uint8Array | undefined, isClientEnded: boolean): void {
    new ProtocolDetector(detection).#start(alreadyRead, isClientEnded);
  }

  // ---- the client

  onData(chunk: Uint8Array): void {
    const isFirst = this.#read === undefined;
    this.#read = this.#read === undefined ? chunk : Buffer.concat([this.#read, chunk]);
    const detected = detectProtocol(this.#read);
    const isHttp = detected === "http1" || detected === "http2";
    if (isHttp) this.#learn("http");
    if (isHttp || this.#detection.isDeclaredHttp) this.#becomeHttp(this.#read);
    else if (detected !== "more") {
      // Both are dialled at once, and where either side may be first the memory must not go back and forth.
      this.#learn(this.#known === "server-first" ? "server-first" : "tcp");
      this.#becomeTcp();
    } else if (isFirst) {
      const waitMs = this.#expectsHttp ? httpSilenceMs : undecidedMs;
      this.#wait(waitMs, () => this.#becomeTcp());
    }
  }

  onDrain(): void {}

  /** What `nc` does whose input is empty: it may still want to hear the server. */
  onEnd(): void {
    this.#isClientEnded = true;
    if (this.#detection.isDeclaredHttp) this.closeIfIdle();
    else this.#becomeTcp();
  }

  onClose(_cause: CloseCause): void {
    if (this.#isDone) return;
    this.#end();
    this.#dropDial();
  }

  // ---- the endpoint

  onConnected(server: Connection): void {
    if (this.#isDone) return;
    server.sink = {
      onData: (chunk) => this.#onServerData(chunk),
      onDrain: () => {},
      onEnd: () => this.#onServerEnd(),
      onClose: (cause) => this.#onServerLost(cause),
    };
  }

  onDialFailed(): void {
    if (this.#isDone) return;
    if (this.#expectsHttp) this.#dropDial();
    // The session ends at once, with the dial's reason.
    else this.#becomeTcp();
  }

  // ---- owner

  sweep(nowMs: number): void {
    const { context } = this.#detection;
    const timeoutMs = this.#expectsHttp
      ? context.agent.snapshot.mesh?.limits?.idleTimeoutMs || defaultHttpIdleMs
      : tcpIdleTimeoutMs(context);
    if (timeoutMs !== undefined && nowMs - this.#startMs >= timeoutMs) this.closeIfIdle();
  }

  closeIfIdle(): void {
    if (this.#isDone) return;
    this.#end();
    this.#dropDial();
    this.#detection.connection.close();
  }

  terminate(): void {
    if (this.#isDone) return;
    this.#end();
    this.#dropDial();
    this.#detection.connection.terminate();
  }

  #start(alreadyRead: Uint8Array | undefined, isClientEnded: boolean): void {
    const { connection, members } = this.#detection;
    members.add(this);
    connection.sink = this;
    if (!this.#isDone && alreadyRead !== undefined && alreadyRead.length > 0) this.onData(alreadyRead);
    if (!this.#isDone && isClientEnded) this.onEnd();
    // What waits already is delivered by this.
    if (!this.#isDone) connection.resume();
    if (!this.#isDone && this.#read === undefined) this.#listen();
  }

  #listen(): void {
    switch (this.#known ?? (this.#expectsHttp ? "http" : undefined)) {
      case undefined:
        this.#wait(this.#detection.isGuarded === true ? httpSilenceMs : silenceMs, () => this.#speculate());
        break;
      case "http":
        this.#wait(httpSilenceMs, () => this.#speculate());
        break;
      case "tcp":
      case "server-first":
        this.#speculate();
        break;
    }
  }

  /** Not on the wheel, whose ticks are longer than the shortest wait; few connections wait, and only their first time here. */
  #wait(delayMs: number, callback: () => void): void {
    this.#cancelTimer();
    const timer = this.#detection.context.clock.deadline(delayMs, callback);
    this.#cancelTimer = () => timer.cancel();
  }

  #speculate(): void {
    const { connection, context, isGuarded, isDeclaredHttp } = this.#detection;
    if (isGuarded === true) {
      // A server that speaks first is dialled by a session that was let in; whoever else is silent is waited for.
      const mayBeFirst = this.#known === undefined || this.#known === "server-first";
      if (!isDeclaredHttp && mayBeFirst) this.#becomeTcp();
      return;
    }
    const target = this.#detection.target(SessionProtocol.UNSPECIFIED);
    if (target === undefined) {
      this.#refuse();
      return;
    }
    this.#dial = new TcpDial(connection, context, target, this);
    this.#dial.start();
  }

  #onServerData(chunk: Uint8Array): void {
    if (this.#isDone) return;
    // Beside bytes of the client's own it does not show who was first.
    if (this.#read === undefined) this.#learn("server-first");
    if (!this.#detection.isDeclaredHttp) {
      this.#becomeTcp(chunk);
      return;
    }
    this.#end();
    this.#dropDial();
    this.#detection.onServerFirst();
  }

  #onServerEnd(): void {
    if (this.#isDone) return;
    if (this.#expectsHttp) this.#dropDial();
    else this.#becomeTcp(undefined, true);
  }

  #onServerLost(cause: CloseCause): void {
    if (this.#isDone) return;
    if (this.#expectsHttp) {
      this.#dropDial();
      return;
    }
    this.#dial?.fail({ reason: "upstream_reset", detail: cause });
    this.#becomeTcp();
  }

  #becomeHttp(read: Uint8Array): void {
    if (this.#isDone) return;
    this.#end();
    this.#dropDial();
    this.#detection.connection.pause();
    this.#detection.onHttp(read);
  }

  #becomeTcp(fromServer?: Uint8Array, isServerEnded = false): void {
    if (this.#isDone) return;
    const { connection, context, members } = this.#detection;
    const dial = this.#dial;
    const target = dial?.target ?? this.#detection.target(SessionProtocol.TCP);
    if (target === undefined) {
      this.#refuse();
      return;
    }
    this.#end();
    const opened: OpenedDial | undefined = dial && { dial, fromServer, isServerEnded };
    new TcpSession(connection, context, target, members).start(this.#read, this.#isClientEnded, opened);
  }

  #refuse(): void {
    this.#end();
    this.#detection.onNoTarget();
  }

  /** Its endpoint sees a connection that was opened and closed without a byte. */
  #dropDial(): void {
    this.#dial?.cancel();
    this.#dial = undefined;
  }

  #learn(spoken: Spoken): void {
    this.#detection.context.protocols.learn(this.#detection.key, spoken);
  }

  #end(): void {
    this.#isDone = true;
    this.#cancelTimer();
    this.#detection.members.delete(this);
  }
}
