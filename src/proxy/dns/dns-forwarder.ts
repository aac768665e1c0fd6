/**
 * Passes queries for names outside the mesh to the machine's resolvers, over TCP (RFC 7766): those are connections that
 * can carry the proxy's mark, so the redirection of port 53 lets them through. One connection per resolver, queries side
 * by side on it under ids of our own.
 */
import { randomInt } from "node:crypto";
import {
  type Connection,
  Connection as ConnectionClass,
  type ConnectionSink,
  connect,
  type TimerWheel,
  type WheelTimer,
} from "../../net/index.ts";
import type { DnsQuery } from "./dns-message.ts";
import { parseResolver } from "./resolver-address.ts";

export interface DnsForwarderOptions {
  /** `address` or `address:port`; asked in this order. */
  readonly upstreams: readonly string[];
  readonly wheel: TimerWheel;
  readonly mark: number | undefined;
}

type Answered = (answer: Uint8Array | undefined) => void;

interface PendingQuery {
  readonly message: Uint8Array;
  readonly query: DnsQuery;
  readonly answered: Answered;
  timer: WheelTimer | undefined;
  sends: number;
}

/** Queries under way at one resolver; a program that asks more at once is a loop. */
const maxPending = 512;
/** Resolver libraries give up after 5 s; two resolvers must fit. */
const answerTimeoutMs = 2_000;
const connectTimeoutMs = 1_000;
/** Once more when an idle connection turned out to be closed; a resolver that closes on every query is not asked again. */
const maxSends = 2;

export class DnsForwarder {
  readonly #resolvers: readonly ResolverConnection[];

  constructor(options: DnsForwarderOptions) {
    this.#resolvers = options.upstreams.map((text) => new ResolverConnection(text, options));
  }

  get isEmpty(): boolean {
    return this.#resolvers.length === 0;
  }

  /** Undefined comes back when no resolver answered. */
  forward(message: Uint8Array, query: DnsQuery, answered: Answered): void {
    this.#ask(0, message, query, answered);
  }

  close(): void {
    for (const resolver of this.#resolvers) resolver.close();
  }

  #ask(index: number, message: Uint8Array, query: DnsQuery, answered: Answered): void {
    const resolver = this.#resolvers[index];
    if (resolver === undefined) {
      answered(undefined);
      return;
    }
    resolver.ask(message, query, (answer) => {
      if (answer === undefined) this.#ask(index + 1, message, query, answered);
      else answered(answer);
    });
  }
}

class ResolverConnection implements ConnectionSink {
  readonly #address: string;
  readonly #port: number;
  readonly #options: DnsForwarderOptions;
  readonly #pending = new Map<number, PendingQuery>();
  #connection: Connection | undefined;
  #isConnecting = false;
  #read: Uint8Array = new Uint8Array(0);

  constructor(text: string, options: DnsForwarderOptions) {
    const place = parseResolver(text);
    this.#address = place.address;
    this.#port = place.port;
    this.#options = options;
  }

  ask(message: Uint8Array, query: DnsQuery, answered: Answered): void {
    if (this.#pending.size >= maxPending) {
      answered(undefined);
      return;
    }
    const id = this.#freeId();
    const pending: PendingQuery = { message, query, answered, timer: undefined, sends: 0 };
    pending.timer = this.#options.wheel.schedule(answerTimeoutMs, () => this.#settle(id, undefined));
    this.#pending.set(id, pending);
    if (this.#connection !== undefined) this.#send(this.#connection, id, pending);
    else this.#connect();
  }

  close(): void {
    this.#connection?.close();
    this.#failAll();
  }

  onData(chunk: Uint8Array): void {
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]);
    while (this.#read.length >= 2) {
      const length = ((this.#read[0] ?? 0) << 8) | (this.#read[1] ?? 0);
      if (this.#read.length < 2 + length) return;
      this.#onAnswer(this.#read.slice(2, 2 + length));
      this.#read = this.#read.subarray(2 + length);
    }
  }

  onDrain(): void {}

  onEnd(): void {
    this.#connection?.close();
    this.#lose();
  }

  onClose(): void {
    this.#lose();
  }

  #onAnswer(answer: Uint8Array): void {
    if (answer.length < 12) return;
    const id = ((answer[0] ?? 0) << 8) | (answer[1] ?? 0);
    const pending = this.#pending.get(id);
    // The question must come back as it was asked: an answer to something else is none.
    if (pending === undefined || !hasQuestion(answer, pending.query.question)) return;
    answer[0] = pending.query.id >> 8;
    answer[1] = pending.query.id & 0xff;
    this.#settle(id, answer);
  }

  #settle(id: number, answer: Uint8Array | undefined): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    pending.timer?.cancel();
    pending.answered(answer);
  }

  #send(connection: Connection, id: number, pending: PendingQuery): void {
    const framed = new Uint8Array(2 + pending.message.length);
    framed[0] = pending.message.length >> 8;
    framed[1] = pending.message.length & 0xff;
    framed.set(pending.message, 2);
    framed[2] = id >> 8;
    framed[3] = id & 0xff;
    pending.sends++;
    connection.write(framed);
  }

  #connect(): void {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    const { mark } = this.#options;
    const options = { address: this.#address, port: this.#port, timeoutMs: connectTimeoutMs };
    connect({ ...options, ...(mark === undefined ? {} : { mark }) }, (result) => {
      this.#isConnecting = false;
      if (!(result instanceof ConnectionClass)) {
        this.#failAll();
        return;
      }
      this.#connection = result;
      this.#read = new Uint8Array(0);
      result.sink = this;
      for (const [id, pending] of this.#pending) this.#send(result, id, pending);
    });
  }

  /** A resolver may close an idle connection at any time; queries that were on their way are asked once more. */
  #lose(): void {
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    for (const [id, pending] of [...this.#pending])
      if (pending.sends >= maxSends) this.#settle(id, undefined);
    if (this.#pending.size > 0) this.#connect();
  }

  #failAll(): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id, undefined);
  }

  /** Not guessable, so that nobody beside the resolver can answer for it. */
  #freeId(): number {
    let id = randomInt(0x10000);
    while (this.#pending.has(id)) id = (id + 1) & 0xffff;
    return id;
  }
}

function hasQuestion(answer: Uint8Array, question: Uint8Array): boolean {
  if (answer.length < 12 + question.length) return false;
  for (let i = 0; i < question.length; i++) if (answer[12 + i] !== question[i]) return false;
  return true;
}
