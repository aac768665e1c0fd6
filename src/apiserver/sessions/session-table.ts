/** Sessions of browsers: kept here alone, bounded in number, ended by idleness and by age. Their ids are kept as hashes. */
import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../../kernel/index.ts";
import type { Caller } from "../authentication/caller.ts";

/** The oldest goes for a new one. */
const maxSessions = 1_024;
const maxSessionsOfUser = 16;
const idleMs = 30 * 60_000;
const absoluteMs = 12 * 3_600_000;
const secretBytes = 32;

export interface Session {
  readonly caller: Caller;
  /** What a page shows with its writes; another site's page cannot read it. */
  readonly csrfToken: string;
  /** At the latest. */
  readonly endsAtMs: number;
}

interface Entry extends Session {
  usedAtMs: number;
}

export class SessionTable {
  readonly #clock: Clock;
  /** By the hash of the id, the least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The id is for the cookie and nowhere else. */
  start(caller: Caller): { readonly id: string; readonly session: Session } {
    const nowMs = this.#clock.nowMs();
    this.#dropOver(nowMs);
    this.#makeRoomFor(caller.user);
    const id = randomBytes(secretBytes).toString("base64url");
    const session: Entry = {
      caller: { ...caller, method: "session" },
      csrfToken: randomBytes(secretBytes).toString("base64url"),
      endsAtMs: Math.min(nowMs + absoluteMs, caller.expiresAtMs ?? Number.POSITIVE_INFINITY),
      usedAtMs: nowMs,
    };
    this.#entries.set(hashOf(id), session);
    return { id, session };
  }

  /** Using it keeps it from being idle. */
  find(id: string): Session | undefined {
    const key = hashOf(id);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    this.#entries.delete(key);
    if (isOver(entry, nowMs)) return undefined;
    entry.usedAtMs = nowMs;
    this.#entries.set(key, entry);
    return entry;
  }

  end(id: string): void {
    this.#entries.delete(hashOf(id));
  }

  #dropOver(nowMs: number): void {
    for (const [key, entry] of this.#entries) if (isOver(entry, nowMs)) this.#entries.delete(key);
  }

  #makeRoomFor(user: string): void {
    const own = [...this.#entries].filter(([, entry]) => entry.caller.user === user);
    if (own.length >= maxSessionsOfUser) this.#entries.delete(own[0]?.[0] ?? "");
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= maxSessions && oldest !== undefined) this.#entries.delete(oldest);
  }
}

function isOver({ usedAtMs, endsAtMs }: Entry, nowMs: number): boolean {
  return nowMs >= endsAtMs || nowMs - usedAtMs >= idleMs;
}

function hashOf(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}
