/**
 * Asks resolvers for the addresses of a name: over UDP, over TCP where the answer did not fit, the next resolver where one
 * is silent or fails. Where the proxy's connections carry a mark everything goes over TCP: a UDP socket cannot carry one,
 * and would be redirected to the proxy itself.
 */
import { randomInt } from "node:crypto";
import type { TimerWheel, WheelTimer } from "../../net/index.ts";
import { type DnsAnswerContent, isCertain, parseDnsAnswer } from "./dns-answer.ts";
import { DnsForwarder } from "./dns-forwarder.ts";
import { type DnsQuery, encodeDnsQuery, parseDnsQuery } from "./dns-message.ts";
import { parseResolver } from "./resolver-address.ts";

export interface DnsClientOptions {
  /** `address` or `address:port`; asked in this order. */
  readonly upstreams: readonly string[];
  readonly wheel: TimerWheel;
  readonly mark: number | undefined;
}

/** Text: nobody answered, and why. */
export type Asked = (answer: DnsAnswerContent | string) => void;

interface Question {
  readonly message: Uint8Array;
  readonly query: DnsQuery;
  readonly done: Asked;
}

/** Questions under way; each has a socket of its own, so that its port cannot be guessed. */
const maxQuestions = 128;
/** Twice for each resolver: two of them are through within the 2 s that a connection waits for its destination. */
const udpTimeoutMs = 500;
const maxSends = 2;

export class DnsClient {
  readonly #options: DnsClientOptions;
  readonly #tcp: DnsForwarder;
  readonly #exchanges = new Set<UdpExchange>();
  #pending = 0;

  constructor(options: DnsClientOptions) {
    this.#options = options;
    this.#tcp = new DnsForwarder(options);
  }

  /** Calls back once, never before this returns. `type`: A or AAAA. */
  ask(name: string, type: number, done: Asked): void {
    const message = encodeDnsQuery(randomInt(0x10000), name, type);
    const query = message && parseDnsQuery(message);
    if (message === undefined || query === undefined || "rcode" in query) {
      queueMicrotask(() => done("it is no name"));
    } else if (this.#options.upstreams.length === 0) {
      queueMicrotask(() => done("no resolver is configured"));
    } else if (this.#pending >= maxQuestions) {
      queueMicrotask(() => done("too many questions at once"));
    } else {
      this.#pending++;
      const question: Question = {
        message,
        query,
        done: (answer) => {
          this.#pending--;
          done(answer);
        },
      };
      if (this.#options.mark === undefined) this.#askOverUdp(question, 0, "");
      else this.#askOverTcp(question);
    }
  }

  close(): void {
    for (const exchange of this.#exchanges) exchange.close();
    this.#tcp.close();
  }

  #askOverUdp(question: Question, index: number, trouble: string): void {
    const upstream = this.#options.upstreams[index];
    if (upstream === undefined) {
      question.done(trouble);
      return;
    }
    const exchange = new UdpExchange(question, upstream, this.#options.wheel, (answer) => {
      this.#exchanges.delete(exchange);
      if (typeof answer === "string") this.#askOverUdp(question, index + 1, answer);
      else if (answer.isTruncated) this.#askOverTcp(question);
      else if (isCertain(answer.rcode)) question.done(answer);
      else this.#askOverUdp(question, index + 1, `${upstream} answers with code ${answer.rcode}`);
    });
    this.#exchanges.add(exchange);
    exchange.start();
  }

  #askOverTcp({ message, query, done }: Question): void {
    this.#tcp.forward(message, query, (bytes) => {
      const answer = bytes && parseDnsAnswer(bytes, query);
      if (answer === undefined)
        done(bytes === undefined ? "no resolver answers" : "a resolver's answer is malformed");
      else done(isCertain(answer.rcode) ? answer : `a resolver answers with code ${answer.rcode}`);
    });
  }
}

/** One question at one resolver. */
class UdpExchange {
  readonly #question: Question;
  readonly #upstream: string;
  readonly #wheel: TimerWheel;
  readonly #done: Asked;
  #socket: Bun.udp.ConnectedSocket<"buffer"> | undefined;
  #timer: WheelTimer | undefined;
  #sends = 0;
  #isOver = false;

  constructor(question: Question, upstream: string, wheel: TimerWheel, done: Asked) {
    this.#question = question;
    this.#upstream = upstream;
    this.#wheel = wheel;
    this.#done = done;
  }

  start(): void {
    void this.#open();
  }

  close(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#socket?.close();
  }

  async #open(): Promise<void> {
    const { address, port } = parseResolver(this.#upstream);
    try {
      const socket = await Bun.udpSocket({
        // Connected, so that the system drops what others send and tells when nobody is there.
        connect: { hostname: address, port },
        socket: {
          data: (_socket, bytes) => this.#onData(bytes),
          error: () => this.#finish(`${this.#upstream} cannot be reached`),
        },
      });
      if (this.#isOver) {
        socket.close();
        return;
      }
      this.#socket = socket;
      this.#send();
    } catch {
      this.#finish(`${this.#upstream} cannot be reached`);
    }
  }

  #send(): void {
    if (this.#sends === maxSends) {
      this.#finish(`${this.#upstream} does not answer`);
      return;
    }
    this.#sends++;
    this.#timer = this.#wheel.schedule(udpTimeoutMs, () => this.#send());
    this.#socket?.send(this.#question.message);
  }

  #onData(bytes: Uint8Array): void {
    const answer = parseDnsAnswer(bytes, this.#question.query);
    // Something else, or somebody else's guess: the answer may still come.
    if (answer !== undefined) this.#finish(answer);
  }

  #finish(result: DnsAnswerContent | string): void {
    if (this.#isOver) return;
    this.close();
    this.#done(result);
  }
}
