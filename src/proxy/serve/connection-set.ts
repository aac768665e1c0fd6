/** The client connections of one listener: swept for idleness, asked to end when draining, ended when time is up. */

export interface ClientConnection {
  /** Every second. */
  sweep(nowMs: number): void;
  /** Draining: go if nothing is under way. */
  closeIfIdle(): void;
  terminate(): void;
}

export class ConnectionSet {
  readonly #members = new Set<ClientConnection>();

  get size(): number {
    return this.#members.size;
  }

  add(member: ClientConnection): void {
    this.#members.add(member);
  }

  delete(member: ClientConnection): void {
    this.#members.delete(member);
  }

  sweep(nowMs: number): void {
    for (const member of this.#members) member.sweep(nowMs);
  }

  closeIdle(): void {
    for (const member of this.#members) member.closeIfIdle();
  }

  terminateAll(): void {
    for (const member of this.#members) member.terminate();
    this.#members.clear();
  }
}
