/** The side of the new process: asks the old one for its place, and waits until it has it. */
import { type Clock, WeftError } from "../kernel/index.ts";
import {
  handOverVersion,
  parseToNew,
  type Handed,
  type TakenPlace,
  type ToNew,
  type ToOld,
} from "./hand-over-messages.ts";
import type { InstanceDirectory } from "./instance-directory.ts";
import { LineSocket } from "./line-socket.ts";
import type { Place } from "./messages.ts";

/**
 * The old process answers as soon as it gets to it, which may be late on a machine that is overloaded; when it ends, that is known at once.
 * It empties its queues within seconds; workers do it one after another.
 */
const agreeTimeoutMs = 30_000;
const releaseTimeoutMs = 120_000;

export class TakeOver {
  /** Of the old process. */
  readonly pid: number;
  readonly places: readonly TakenPlace[];
  readonly handed: Handed;
  readonly #conversation: Conversation;

  private constructor(conversation: Conversation, agreed: ToNew & { kind: "agreed" }) {
    this.#conversation = conversation;
    this.pid = agreed.pid;
    this.places = agreed.places;
    this.handed = agreed.handed ?? {};
  }

  /** Throws `conflict` or `unavailable` where the old process does not agree. */
  static async begin(directory: InstanceDirectory, clock: Clock): Promise<TakeOver> {
    if (!directory.isOwnSocket()) {
      throw new WeftError("unavailable", `no process to take over from answers in ${directory.path}`);
    }
    const conversation = await Conversation.open(directory.socketPath, clock);
    const answer = await conversation.ask({ kind: "takeover", version: handOverVersion }, agreeTimeoutMs);
    if (answer?.kind === "agreed") return new TakeOver(conversation, answer);
    conversation.close();
    throw new WeftError(
      "conflict",
      `the running process cannot be taken over: ${answer?.kind === "refused" ? answer.why : "it does not answer"}`,
    );
  }

  /** All listeners are bound. Resolves when those of the old process are closed. Throws `unavailable`. */
  async complete(kept: readonly Place[], count: number): Promise<void> {
    const answer = await this.#conversation.ask({ kind: "bound", kept, count }, releaseTimeoutMs);
    this.#conversation.close();
    if (answer?.kind === "released") return;
    throw new WeftError("unavailable", "the process that was being taken over does not answer any more");
  }

  /** It goes on as before. */
  abort(): void {
    this.#conversation.close();
  }
}

class Conversation {
  readonly #clock: Clock;
  #socket: LineSocket | undefined;
  #answer: (message: ToNew | undefined) => void = () => {};

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  static async open(unix: string, clock: Clock): Promise<Conversation> {
    const conversation = new Conversation(clock);
    const socket = LineSocket.handlers({
      onLine: (line) => conversation.#answer(parseToNew(line)),
      onClosed: () => conversation.#answer(undefined),
    });
    try {
      const connected = await Bun.connect<LineSocket | undefined>({ unix, socket, data: undefined });
      conversation.#socket = connected.data;
    } catch (cause) {
      throw new WeftError("unavailable", "the running process does not answer", { cause });
    }
    return conversation;
  }

  /** Undefined: no answer that could be understood, in time. */
  async ask(message: ToOld, timeoutMs: number): Promise<ToNew | undefined> {
    const { promise, resolve } = Promise.withResolvers<ToNew | undefined>();
    this.#answer = resolve;
    const timer = this.#clock.deadline(timeoutMs, () => resolve(undefined));
    this.#socket?.send(message);
    const answer = await promise;
    timer.cancel();
    return answer;
  }

  close(): void {
    this.#socket?.close();
  }
}
