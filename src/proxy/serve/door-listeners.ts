/**
 * The listeners of one door, as they are handed over to another process: each can be closed for new connections while what is
 * connected stays, and opened again at the same place where the other process did not come after all.
 */
import type { Listener, PeerCertificate } from "../../net/index.ts";

export interface OpenListener {
  readonly address: string;
  readonly port: number;
  readonly listener: Listener;
}

type Open = (port: number) => Listener;

interface Entry {
  readonly address: string;
  readonly open: Open;
  listener: Listener;
  port: number;
  isReleased: boolean;
}

export class DoorListeners {
  readonly #entries: Entry[] = [];
  /** Released and then opened anew: their connections go on. */
  readonly #before: Listener[] = [];

  /** Throws what `open` throws. */
  add(address: string, port: number, open: Open): Listener {
    const listener = open(port);
    this.#entries.push({ address, open, listener, port: listener.port, isReleased: false });
    return listener;
  }

  /** Open connections, those of released listeners too, and those that nothing is served on yet or any more. */
  get connections(): number {
    return this.#all().reduce((sum, listener) => sum + listener.connections, 0);
  }

  openListeners(): OpenListener[] {
    return this.#entries.flatMap(({ address, port, listener, isReleased }) =>
      isReleased ? [] : [{ address, port, listener }],
    );
  }

  /** Closes it for new connections. */
  release(listener: Listener): void {
    const entry = this.#entries.find((each) => each.listener === listener);
    if (entry === undefined) return;
    entry.isReleased = true;
    listener.stopAccepting();
  }

  /** Opens what was released. Throws what opening throws. */
  reopen(): void {
    for (const entry of this.#entries) {
      if (!entry.isReleased) continue;
      this.#before.push(entry.listener);
      entry.listener = entry.open(entry.port);
      entry.isReleased = false;
    }
  }

  terminatePeers(isUnwanted: (peer: PeerCertificate) => boolean): number {
    return this.#all().reduce((sum, listener) => sum + listener.terminatePeers(isUnwanted), 0);
  }

  stopAccepting(): void {
    for (const { listener } of this.#entries) listener.stopAccepting();
  }

  closeAll(): void {
    for (const listener of this.#all()) listener.closeAll();
  }

  #all(): Listener[] {
    return [...this.#before, ...this.#entries.map(({ listener }) => listener)];
  }
}
