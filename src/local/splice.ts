/**
 * One relayed connection: what either side sends goes to the other, a side that the other cannot keep up with is
 * paused, an end is passed on after the bytes before it, and when one side breaks the other is reset.
 */
import type { Socket } from "bun";

/** How long a client may go on sending to a server that has closed. As long as nginx's `lingering_timeout`. */
const lingerMs = 5000;

interface Receiver {
  write(chunk: Uint8Array): number;
  shutdown(): void;
}

/** One direction. What the receiver did not take waits here; the sender is paused until it is gone. */
class Flow {
  #rest: Uint8Array | undefined;
  #hasEnded = false;

  /** The sender has ended properly, though some of it may still wait. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Gives false where the sender has to be paused. */
  push(chunk: Uint8Array, receiver: Receiver | undefined): boolean {
    if (receiver === undefined || this.#rest !== undefined) {
      // Bytes that Bun had read before the pause may still come.
      this.#rest = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
      return false;
    }
    const taken = Math.max(0, receiver.write(chunk));
    if (taken === chunk.length) return true;
    this.#rest = chunk.subarray(taken);
    return false;
  }

  /** Gives true where nothing waits any more. */
  drain(receiver: Receiver): boolean {
    if (this.#rest !== undefined) {
      const taken = Math.max(0, receiver.write(this.#rest));
      if (taken < this.#rest.length) {
        this.#rest = this.#rest.subarray(taken);
        return false;
      }
      this.#rest = undefined;
      if (this.#hasEnded) receiver.shutdown();
    }
    return true;
  }

  end(receiver: Receiver | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#rest === undefined) receiver?.shutdown();
  }
}

/** `near` is the accepted connection, `far` the one made to the Unix socket; it may not be there yet. */
export class Splice {
  readonly #near: Socket<Splice>;
  readonly #onClosed: () => void;
  readonly #inward = new Flow();
  readonly #outward = new Flow();
  #far: Socket | undefined;
  #isNearOpen = true;
  #isFarOpen = true;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(near: Socket<Splice>, unixPath: string, onClosed: () => void) {
    this.#near = near;
    this.#onClosed = onClosed;
    near.pause();
    this.#connect(unixPath);
  }

  onNearData(chunk: Uint8Array): void {
    if (!this.#isFarOpen) return;
    if (!this.#inward.push(chunk, this.#far)) this.#near.pause();
  }

  onNearDrain(): void {
    if (this.#outward.drain(this.#near)) this.#far?.resume();
  }

  onNearEnd(): void {
    this.#inward.end(this.#far);
  }

  onNearClose(error: Error | undefined): void {
    this.#isNearOpen = false;
    clearTimeout(this.#lingering);
    // After our own FIN Bun tells of the other side's by `close` alone, so this may be the proper end.
    const isProperEnd = this.#inward.hasEnded || (error === undefined && this.#outward.hasEnded);
    if (isProperEnd) this.#inward.end(this.#far);
    else this.#far?.terminate();
    this.#finishIfClosed();
  }

  terminate(): void {
    this.#near.terminate();
    this.#far?.terminate();
  }

  #connect(unixPath: string): void {
    const connecting = Bun.connect({
      unix: unixPath,
      allowHalfOpen: true,
      socket: {
        open: (far) => this.#onFarOpen(far),
        data: (far, chunk) => {
          if (!this.#outward.push(chunk, this.#near)) far.pause();
        },
        drain: (far) => {
          if (this.#inward.drain(far)) this.#near.resume();
        },
        end: () => this.#outward.end(this.#near),
        close: (_, error) => this.#onFarClose(error),
        error: () => this.terminate(),
      },
    });
    // Nothing listens inside yet, or no longer.
    connecting.catch(() => {
      if (this.#far === undefined) this.#onFarClose(new Error("not connected"));
    });
  }

  #onFarOpen(far: Socket): void {
    this.#far = far;
    if (!this.#isNearOpen) far.terminate();
    else if (this.#inward.drain(far)) this.#near.resume();
  }

  #onFarClose(error: Error | undefined): void {
    this.#isFarOpen = false;
    if (error !== undefined && !this.#outward.hasEnded) this.#near.terminate();
    else this.#endOutward();
    this.#finishIfClosed();
  }

  /** The server may have closed both ways before it read everything; its answer must arrive all the same. */
  #endOutward(): void {
    this.#outward.end(this.#near);
    if (this.#inward.hasEnded || !this.#isNearOpen) return;
    // What still comes is read and dropped: unread, it would make the kernel reset what was sent.
    this.#near.resume();
    this.#lingering = setTimeout(() => this.#near.terminate(), lingerMs);
  }

  #finishIfClosed(): void {
    if (!this.#isNearOpen && !this.#isFarOpen) this.#onClosed();
  }
}
