/**
 * The addresses of names, kept as long as DNS says. When a name cannot be looked up any more its last addresses stay for a
 * bounded time. It looks up only what it is asked for: whoever uses a name asks again.
 *
 *   unknown --asked--> looking up --answer--> fresh --its time is over, asked--> looking up again (last answer stays in use)
 *                          \--failure--> failed, not tried again for a while       \--failure--> stale, at most 10 min --> failed
 */
import { networkInterfaces } from "node:os";
import type { Clock } from "../../kernel/index.ts";
import type { DnsAnswerContent } from "./dns-answer.ts";
import { dnsTypes } from "./dns-message.ts";
import type { DnsClient } from "./dns-client.ts";

export interface NameResolverOptions {
  readonly client: Pick<DnsClient, "ask">;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** One of each look-up's outcome, for the metric. */
  readonly onOutcome: (outcome: LookupOutcome) => void;
  /** Whether this machine can reach IPv6 addresses of others. Default: it has one of its own. */
  readonly hasIpv6?: () => boolean;
}

/** `empty`: DNS says that there are no addresses. `failed`: nobody could say. */
export type LookupOutcome = "resolved" | "empty" | "failed";

export interface ResolvedName {
  /** Canonical; never empty. */
  readonly addresses: readonly string[];
}

/** Text: why there are none. */
type Resolved = (result: ResolvedName | string) => void;

interface Entry {
  readonly name: string;
  readonly waiters: Set<Resolved>;
  resolved: ResolvedName | undefined;
  /** Until then there is nothing to ask: the answer holds, or the failure is too fresh. */
  askAgainMs: number;
  /** When `resolved` is given up. */
  giveUpMs: number;
  trouble: string;
  failures: number;
  isAsking: boolean;
  lastUsedMs: number;
}

/** A name with a TTL of 0 is not looked up for each connection, and one with a week not believed for a week. */
const minTtlSeconds = 5;
const maxTtlSeconds = 300;
const minNegativeSeconds = 2;
const maxNegativeSeconds = 30;
/** After a failure 1 s, doubling to 30, each more or less by half. */
const firstBackoffMs = 1_000;
const maxBackoffMs = 30_000;
/** How long the last good addresses stay in use after their time. An outage of DNS should end sooner than this. */
const maxStaleMs = 600_000;
/** Names at once; the ones that were not used for longest go first. */
const maxNames = 4_096;

export class NameResolver {
  readonly #options: NameResolverOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(name: string) => void>();

  constructor(options: NameResolverOptions) {
    this.#options = options;
  }

  /** Called when a look-up of the name is done, whatever came of it. Returns the way out. */
  onLookup(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What is known and still believed; starts no look-up. */
  peek(name: string): ResolvedName | undefined {
    const entry = this.#entries.get(name);
    return entry === undefined ? undefined : this.#believed(entry);
  }

  /** Its time is not over. */
  isFresh(name: string): boolean {
    const entry = this.#entries.get(name);
    return entry?.resolved !== undefined && entry.failures === 0 && this.#nowMs < entry.askAgainMs;
  }

  /** Looks the name up where its time is over. */
  refresh(name: string): void {
    this.#ask(this.#use(name));
  }

  /** Calls back at once where something is known, good or bad, else once looked up. Returns the way out. */
  resolve(name: string, done: Resolved): () => void {
    const entry = this.#use(name);
    this.#ask(entry);
    const believed = this.#believed(entry);
    if (believed !== undefined || !entry.isAsking) {
      done(believed ?? entry.trouble);
      return () => {};
    }
    entry.waiters.add(done);
    return () => void entry.waiters.delete(done);
  }

  /** Names whose addresses are in use beyond their time because they cannot be looked up. */
  get staleNames(): number {
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (entry.failures > 0 && this.#believed(entry) !== undefined) count++;
    }
    return count;
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  #believed(entry: Entry): ResolvedName | undefined {
    return this.#nowMs < entry.giveUpMs ? entry.resolved : undefined;
  }

  #use(name: string): Entry {
    const nowMs = this.#nowMs;
    const known = this.#entries.get(name);
    if (known !== undefined) {
      known.lastUsedMs = nowMs;
      return known;
    }
    if (this.#entries.size >= maxNames) this.#evict();
    const entry: Entry = {
      name,
      waiters: new Set(),
      resolved: undefined,
      askAgainMs: 0,
      giveUpMs: 0,
      trouble: "",
      failures: 0,
      isAsking: false,
      lastUsedMs: nowMs,
    };
    this.#entries.set(name, entry);
    return entry;
  }

  #evict(): void {
    const idle = [...this.#entries.values()]
      .filter(({ isAsking }) => !isAsking)
      .toSorted((a, b) => a.lastUsedMs - b.lastUsedMs)
      .slice(0, maxNames / 16);
    for (const { name } of idle) this.#entries.delete(name);
  }

  #ask(entry: Entry): void {
    if (entry.isAsking || this.#nowMs < entry.askAgainMs) return;
    entry.isAsking = true;
    const answers: (DnsAnswerContent | string)[] = [];
    const onAnswer = (answer: DnsAnswerContent | string): void => {
      answers.push(answer);
      if (answers.length === families.length) this.#conclude(entry, answers);
    };
    for (const type of families) this.#options.client.ask(entry.name, type, onAnswer);
  }

  #conclude(entry: Entry, answers: readonly (DnsAnswerContent | string)[]): void {
    const nowMs = this.#nowMs;
    const contents = answers.filter((answer) => typeof answer !== "string");
    const failure = answers.find((answer) => typeof answer === "string");
    entry.isAsking = false;
    const addresses = this.#choose(contents);
    if (addresses.length > 0) {
      const ttls = contents.flatMap((each) => (each.addresses.length > 0 ? [each.ttlSeconds ?? 0] : []));
      const ttlSeconds = clamp(Math.min(...ttls), minTtlSeconds, maxTtlSeconds);
      // The same addresses stay the same object, so that others can compare.
      if (!Bun.deepEquals(entry.resolved?.addresses, addresses)) entry.resolved = { addresses };
      entry.failures = 0;
      entry.trouble = "";
      entry.askAgainMs = nowMs + ttlSeconds * 1_000;
      entry.giveUpMs = entry.askAgainMs + maxStaleMs;
      this.#options.onOutcome("resolved");
    } else {
      this.#fail(entry, nowMs, failure, contents);
    }
    const believed = this.#believed(entry);
    const waiters = [...entry.waiters];
    entry.waiters.clear();
    for (const listener of this.#listeners) listener(entry.name);
    for (const waiter of waiters) waiter(believed ?? entry.trouble);
  }

  #fail(
    entry: Entry,
    nowMs: number,
    failure: string | undefined,
    contents: readonly DnsAnswerContent[],
  ): void {
    const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(entry.failures, 10));
    entry.failures++;
    if (failure === undefined) {
      const said = Math.min(...contents.map(({ ttlSeconds }) => ttlSeconds ?? minNegativeSeconds));
      entry.askAgainMs = nowMs + clamp(said, minNegativeSeconds, maxNegativeSeconds) * 1_000;
      const isNoName = contents.some(({ rcode }) => rcode !== 0);
      entry.trouble = `${entry.name} ${isNoName ? "does not exist" : "has no addresses"} in DNS`;
    } else {
      entry.askAgainMs = nowMs + backoffMs * (0.5 + this.#options.random());
      entry.trouble = `${entry.name} cannot be looked up: ${failure}`;
    }
    this.#options.onOutcome(failure === undefined ? "empty" : "failed");
  }

  /** IPv4 first. Addresses of IPv6 are of no use to a machine that has none, unless there are no others. */
  #choose(contents: readonly DnsAnswerContent[]): readonly string[] {
    const all = contents.flatMap(({ addresses }) => addresses);
    const v4 = all.filter((address) => !address.includes(":")).toSorted();
    const v6 = all.filter((address) => address.includes(":")).toSorted();
    const takesV6 = v4.length === 0 || (v6.length > 0 && (this.#options.hasIpv6 ?? hasOwnIpv6)());
    return takesV6 ? [...v4, ...v6] : v4;
  }
}

const families = [dnsTypes.a, dnsTypes.aaaa];

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

function hasOwnIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(
      ({ family, internal, address }) => family === "IPv6" && !internal && !address.startsWith("fe80:"),
    ),
  );
}
