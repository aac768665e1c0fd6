/**
 * Lists in pages (`limit`, `continue`). All pages of a list show one moment: what was there at the first one is kept for a while,
 * shared by all readers of that moment. Who comes back later is told that it is gone (410), with a token to go on at the newest state.
 */
import type { Stored } from "../api/index.ts";
import { type Clock, WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { isChosen, type ObjectFilter } from "./object-filter.ts";
import type { ListMetadata } from "./representation.ts";

/** Kept moments; each holds references alone, and objects that were replaced meanwhile. */
const maxMoments = 32;
/** As long as Kubernetes' default between two compactions. */
const momentLifeMs = 5 * 60_000;
const maxTokenLength = 4096;

export interface ListOptions {
  readonly filter: ObjectFilter;
  /** Undefined: all at once. */
  readonly limit: number | undefined;
  readonly token: string;
  /** Undefined: the newest. */
  readonly exactly: number | undefined;
}

export interface Page {
  readonly items: readonly Stored[];
  readonly metadata: ListMetadata;
}

interface Token {
  readonly sequence: number;
  /** Namespace and name of the last one that was shown. */
  readonly after: readonly [string, string];
}

interface Moment {
  readonly items: readonly Stored[];
  readonly untilMs: number;
}

export class ListPages {
  readonly #store: Store;
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #moments = new Map<string, Moment>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Throws `usage` for a token that is none, `conflict` (410) for one that is too old. */
  list({ filter, limit, token, exactly }: ListOptions): Page {
    const from = token === "" ? undefined : parseToken(token);
    const asked = from?.sequence ?? exactly;
    const current = this.#store.sequence;
    // A token of 0 goes on at whatever is there now.
    const sequence = asked === undefined || asked === 0 ? current : asked;
    const all = sequence === current ? this.#listNow(filter) : this.#kept(filter, sequence);
    if (all === undefined) throw expired(from);
    const items: Stored[] = [];
    let remaining = 0;
    for (const object of all) {
      if (from !== undefined && !isAfter(object, from.after)) continue;
      if (!isChosen(filter, object)) continue;
      if (limit === undefined || items.length < limit) items.push(object);
      else remaining++;
    }
    const last = items.at(-1);
    if (remaining === 0 || last === undefined)
      return { items, metadata: { resourceVersion: String(sequence) } };
    this.#keep(filter, sequence, all);
    const next = tokenText({ sequence, after: placeOf(last) });
    const metadata = { resourceVersion: String(sequence), continue: next };
    // As Kubernetes: a count would say something of objects that a selector hides.
    const isCounted = filter.labels.length === 0 && filter.fields.length === 0;
    return { items, metadata: isCounted ? { ...metadata, remainingItemCount: remaining } : metadata };
  }

  #listNow({ kind, namespace }: ObjectFilter): readonly Stored[] {
    return this.#store.list({ kind, namespace }).items;
  }

  #kept(filter: ObjectFilter, sequence: number): readonly Stored[] | undefined {
    this.#forgetOld();
    return this.#moments.get(keyOfMoment(filter, sequence))?.items;
  }

  #keep(filter: ObjectFilter, sequence: number, items: readonly Stored[]): void {
    this.#forgetOld();
    const key = keyOfMoment(filter, sequence);
    if (this.#moments.has(key)) return;
    this.#moments.set(key, { items, untilMs: this.#clock.nowMs() + momentLifeMs });
    const [oldest] = this.#moments.keys();
    if (this.#moments.size > maxMoments && oldest !== undefined) this.#moments.delete(oldest);
  }

  #forgetOld(): void {
    for (const [key, { untilMs }] of this.#moments)
      if (untilMs <= this.#clock.nowMs()) this.#moments.delete(key);
  }
}

function keyOfMoment({ kind, namespace }: ObjectFilter, sequence: number): string {
  return `${sequence} ${kind} ${namespace ?? ""}`;
}

function placeOf({ metadata }: Stored): readonly [string, string] {
  return [metadata.namespace ?? "", metadata.name];
}

function isAfter(object: Stored, [namespace, name]: readonly [string, string]): boolean {
  const [itsNamespace, itsName] = placeOf(object);
  return itsNamespace === namespace ? itsName > name : itsNamespace > namespace;
}

function tokenText(token: Token): string {
  return Buffer.from(JSON.stringify([token.sequence, ...token.after])).toString("base64url");
}

function parseToken(text: string): Token {
  if (text.length <= maxTokenLength) {
    try {
      const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
      if (Array.isArray(parts) && parts.length === 3) {
        const [sequence, namespace, name]: unknown[] = parts;
        if (Number.isSafeInteger(sequence) && typeof namespace === "string" && typeof name === "string")
          return { sequence: Number(sequence), after: [namespace, name] };
      }
    } catch {
      // Whatever it is, it is no token of ours.
    }
  }
  throw new WeftError("usage", "continue is no token of this server");
}

/** In Kubernetes' words; its clients look for the token. */
function expired(from: Token | undefined): WeftError {
  const token = from === undefined ? undefined : tokenText({ sequence: 0, after: from.after });
  return new WeftError(
    "conflict",
    from === undefined
      ? "that version is no longer kept"
      : "the continue token is too old for a consistent list; start again without it, or go on with the token of this answer at the newest state",
    {
      fields: {
        httpStatus: 410,
        reason: "Expired",
        ...(token === undefined ? {} : { continue: token }),
      },
    },
  );
}
