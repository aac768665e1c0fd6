/**
 * The side of the old process: answers whoever wants to take over, one at a time.
 *
 *   idle --takeover--> agreed --bound--> retiring --> released
 *     ^                  |                  |
 *     +---- the new process is gone --------+  (then all is opened again)
 */
import type { Log } from "../kernel/index.ts";
import {
  type Handed,
  handOverVersion,
  parseToOld,
  type TakenPlace,
  type ToNew,
  type ToOld,
} from "./hand-over-messages.ts";
import type { InstanceDirectory } from "./instance-directory.ts";
import { LineSocket } from "./line-socket.ts";
import type { Place } from "./messages.ts";

/** What is handed over. */
export interface HandOverSubject {
  /** Nothing changes from here on. Undefined: not now. */
  freeze(): Promise<readonly TakenPlace[] | undefined> | readonly TakenPlace[] | undefined;
  /** What else the other process is told. */
  handed?(): Handed;
  /** Closes all listeners; nothing that came to them is lost where the other process listens too. */
  retire(kept: readonly Place[], count: number): Promise<void>;
  /** Frees all else that there can only be one of. */
  release(): void;
  /** Finishes what is in flight and ends. */
  leave(): void;
  /** It will not be taken over after all. */
  resume(): Promise<void>;
}

type State = "idle" | "agreed" | "retiring" | "released";

export class HandOverServer {
  readonly #subject: HandOverSubject;
  readonly #log: Log;
  readonly #server: Bun.UnixSocketListener<LineSocket | undefined>;
  #state: State = "idle";
  #peer: LineSocket | undefined;

  constructor(directory: InstanceDirectory, subject: HandOverSubject, log: Log) {
    this.#subject = subject;
    this.#log = log;
    const socket = LineSocket.handlers({
      onLine: (line, peer) => void this.#receive(line, peer),
      onClosed: (peer) => void this.#gone(peer),
    });
    this.#server = directory.placeSocket((unix) => Bun.listen<LineSocket | undefined>({ unix, socket }));
  }

  close(): void {
    this.#server.stop(false);
  }

  async #receive(line: string, peer: LineSocket): Promise<void> {
    const message = parseToOld(line);
    if (message === undefined) peer.close();
    else if (message.kind === "takeover") await this.#agree(message, peer);
    else if (this.#state === "agreed" && peer === this.#peer) await this.#retire(message, peer);
    else peer.close();
  }

  async #agree({ version }: ToOld & { kind: "takeover" }, peer: LineSocket): Promise<void> {
    const why = this.#refusal(version);
    if (why !== undefined) {
      send(peer, { kind: "refused", why });
      return;
    }
    this.#state = "agreed";
    this.#peer = peer;
    const places = await this.#subject.freeze();
    // The new process may have gone meanwhile.
    if (this.#peer !== peer) return;
    if (places === undefined) {
      this.#state = "idle";
      this.#peer = undefined;
      send(peer, { kind: "refused", why: "it is ending" });
      return;
    }
    this.#log.info("another process takes over");
    const handed = this.#subject.handed?.();
    send(peer, { kind: "agreed", pid: process.pid, places, ...(handed && { handed }) });
  }

  #refusal(version: number): string | undefined {
    if (version !== handOverVersion) return `it speaks version ${handOverVersion}, not ${version}`;
    return this.#state === "idle" ? undefined : "another process is taking over";
  }

  async #retire({ kept, count }: ToOld & { kind: "bound" }, peer: LineSocket): Promise<void> {
    this.#state = "retiring";
    await this.#subject.retire(kept, count);
    // The new process may have gone meanwhile.
    if (this.#peer !== peer) return;
    this.#state = "released";
    this.close();
    this.#subject.release();
    send(peer, { kind: "released" });
    this.#log.info("another process has taken over; finishing what is in flight");
    this.#subject.leave();
  }

  async #gone(peer: LineSocket): Promise<void> {
    if (this.#peer !== peer) return;
    this.#peer = undefined;
    if (this.#state === "released") return;
    this.#log.warn("the process that was taking over is gone; this one goes on");
    await this.#subject.resume();
    this.#state = "idle";
  }
}

function send(peer: LineSocket, message: ToNew): void {
  peer.send(message);
}
