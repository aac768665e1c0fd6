/**
 * One connection to a Redis server, pipelined, that comes back by itself. A server that does not answer in time, answers
 * with an error, or says what is no RESP is away until a whole greeting has succeeded: password, database, and the script
 * itself, so that a server that is loading, read only, or out of memory does not count as there.
 *
 *   opening --greeted--> up --failure--> away (backoff) --> away (greeting) --greeted--> up
 *           '-------------failure----------^ '<--------------failure-----'     any --close()--> closed
 */
import type { Clock, Log, Timer } from "../../../../kernel/index.ts";
import type { Connection, PendingConnect, TimerWheel, WheelTimer } from "../../../../net/index.ts";
import type { UpstreamCluster } from "../../../upstream/index.ts";
import { openStream, type OpenStream } from "../../open-stream.ts";
import { encodeCommand } from "./resp-command.ts";
import { RespError, RespParser, type RespValue } from "./resp-parser.ts";

export interface RedisLinkContext {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  readonly log: Log;
  cluster(key: string): UpstreamCluster | undefined;
}

export interface RedisServer {
  readonly cluster: string;
  readonly username: string;
  readonly password: string;
  readonly database: number;
  /** For the answer to a command, and for a greeting. */
  readonly timeoutMs: number;
  /** Shown by CLIENT LIST. */
  readonly clientName: string;
  /** The last of the greeting. Its answer must be no error. */
  readonly probe: readonly string[];
}

/** Undefined: there is no answer, and the link is away. */
type OnReply = (reply: RespValue | undefined) => void;

interface Pending {
  readonly sentUs: number;
  readonly onReply: OnReply;
}

/** Commands without an answer yet. One more than that is not sent. */
const maxPending = 1_024;
/** The first try after a failure, doubled up to the longest while it keeps failing. */
const firstBackoffMs = 100;
const longestBackoffMs = 5_000;

export class RedisLink {
  readonly #context: RedisLinkContext;
  readonly #server: RedisServer;
  #state: "opening" | "up" | "away" | "closed" = "opening";
  #connect: PendingConnect | undefined = undefined;
  #stream: OpenStream | undefined = undefined;
  /** Sent, or to be sent after the greeting, in order. */
  #pending: Pending[] = [];
  /** Those that came while it was opening. */
  #unsent: Uint8Array[] = [];
  #deadline: WheelTimer | undefined = undefined;
  #retry: Timer | undefined = undefined;
  #backoffMs = firstBackoffMs;

  constructor(context: RedisLinkContext, server: RedisServer) {
    this.#context = context;
    this.#server = server;
    this.#open();
  }

  /** It may answer. What is asked before it was ever there waits for the greeting. */
  get isUp(): boolean {
    return this.#state === "up" || this.#state === "opening";
  }

  /** `onReply` is called once, perhaps before this returns. */
  call(parts: readonly string[], onReply: OnReply): void {
    if (!this.isUp || this.#pending.length >= maxPending) {
      onReply(undefined);
      return;
    }
    this.#enqueue(onReply);
    const bytes = encodeCommand(parts);
    if (this.#state === "opening") this.#unsent.push(bytes);
    else this.#stream?.connection.write(bytes);
  }

  /** What the server says cannot be gone on with. */
  fail(cause: string): void {
    if (this.#state === "closed") return;
    if (this.#state !== "away") {
      const { cluster } = this.#server;
      this.#context.log.warn(
        "shared rate limits are counted by each proxy alone: their store does not answer",
        {
          cluster,
          cause,
        },
      );
    }
    this.#state = "away";
    const jitter = 0.75 + this.#context.random() / 2;
    this.#retry?.cancel();
    this.#retry = this.#context.clock.after(this.#backoffMs * jitter, () => this.#open());
    this.#backoffMs = Math.min(longestBackoffMs, this.#backoffMs * 2);
    this.#drop();
  }

  close(): void {
    this.#state = "closed";
    this.#retry?.cancel();
    this.#drop();
  }

  #open(): void {
    const cluster = this.#context.cluster(this.#server.cluster);
    if (cluster === undefined) {
      this.fail("its cluster is not known");
      return;
    }
    let isAnswered = false;
    const connect = openStream(this.#context, cluster, (result) => {
      isAnswered = true;
      this.#connect = undefined;
      if ("reason" in result) this.fail(result.reason);
      else this.#greet(result);
    });
    if (!isAnswered) this.#connect = connect;
  }

  #greet(stream: OpenStream): void {
    const { connection } = stream;
    this.#stream = stream;
    const parser = new RespParser((reply) => this.#onReply(stream, reply));
    connection.sink = {
      onData: (chunk) => {
        const problem = this.#stream === stream ? parser.push(chunk) : undefined;
        if (problem !== undefined) this.fail(`it speaks no RESP: ${problem}`);
      },
      onDrain: () => {},
      onEnd: () => connection.close(),
      onClose: () => {
        stream.release();
        if (this.#stream === stream) this.fail("the connection ended");
      },
    };
    const { username, password, database, clientName, probe } = this.#server;
    // Answered before what waits.
    const waiting = this.#pending;
    this.#pending = [];
    const must = (reply: RespValue | undefined): void => {
      if (reply instanceof RespError) this.fail(reply.code);
    };
    if (password !== "") {
      this.#greeting(connection, username === "" ? ["AUTH", password] : ["AUTH", username, password], must);
    }
    if (database !== 0) this.#greeting(connection, ["SELECT", String(database)], must);
    // A name for operators; some services forbid it.
    this.#greeting(connection, ["CLIENT", "SETNAME", clientName], () => {});
    this.#greeting(connection, probe, (reply) => {
      if (reply instanceof RespError) this.fail(reply.code);
      else if (reply !== undefined) this.#onGreeted(connection);
    });
    this.#pending.push(...waiting);
  }

  #greeting(connection: Connection, parts: readonly string[], onReply: OnReply): void {
    this.#enqueue(onReply);
    connection.write(encodeCommand(parts));
  }

  #onGreeted(connection: Connection): void {
    this.#backoffMs = firstBackoffMs;
    if (this.#state === "away") {
      this.#context.log.info("shared rate limits are shared again", { cluster: this.#server.cluster });
    }
    this.#state = "up";
    for (const bytes of this.#unsent.splice(0)) connection.write(bytes);
  }

  #onReply(stream: OpenStream, reply: RespValue): void {
    if (this.#stream !== stream) return;
    const pending = this.#pending.shift();
    if (pending === undefined) this.fail("it answers what nobody asked");
    else pending.onReply(reply);
  }

  #enqueue(onReply: OnReply): void {
    this.#pending.push({ sentUs: this.#context.clock.monotonicUs(), onReply });
    if (this.#pending.length === 1) this.#watch(this.#server.timeoutMs);
  }

  /** One timer for all: they are answered in order, so the first is the oldest. */
  #watch(delayMs: number): void {
    if (this.#deadline === undefined) {
      this.#deadline = this.#context.wheel.schedule(delayMs, () => this.#onDeadline());
    } else {
      this.#deadline.reschedule(delayMs);
    }
  }

  #onDeadline(): void {
    const [oldest] = this.#pending;
    if (oldest === undefined) return;
    const leftMs = this.#server.timeoutMs - (this.#context.clock.monotonicUs() - oldest.sentUs) / 1_000;
    if (leftMs > 0) this.#watch(leftMs);
    else this.fail(`no answer within ${this.#server.timeoutMs} ms`);
  }

  /** Whoever waits is told. */
  #drop(): void {
    this.#deadline?.cancel();
    this.#connect?.cancel();
    this.#connect = undefined;
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.connection.terminate();
    stream?.release();
    this.#unsent = [];
    const pending = this.#pending;
    this.#pending = [];
    for (const { onReply } of pending) onReply(undefined);
  }
}
