/** Proxies and their store in virtual time: how far leases may be off, and what they cost. */
import { expect, test } from "bun:test";
import { TokenBucket, TokenRate } from "../../../decide/admission/index.ts";
import { LeasedQuota } from "./leased-quota.ts";
import type { LeaseGrant, LeaseRequest, LeaseSource } from "./leases.ts";

/** Stated in docs/reference/rate-limits.md: no leased token is older. */
const oldestTokenUs = 2_000_000;

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Grants as the script does, and answers when it is told to. */
class Store implements LeaseSource {
  isUp = true;
  questions = 0;
  readonly bucket: TokenBucket;
  readonly #now: () => number;
  #answers: (() => void)[] = [];

  constructor(rate: TokenRate, now: () => number) {
    this.bucket = new TokenBucket(rate, now());
    this.#now = now;
  }

  acquire({ need, wish, back }: LeaseRequest, answer: (grant: LeaseGrant | undefined) => void): void {
    this.questions++;
    const nowUs = this.#now();
    this.bucket.remaining(nowUs);
    this.bucket.giveBack(back);
    const needed = this.bucket.takeUpTo(need, nowUs);
    const left = this.bucket.remaining(nowUs);
    const ahead = this.bucket.takeUpTo(
      Math.min(wish, Math.max(Math.floor(left / 4), Math.min(left, 16))),
      nowUs,
    );
    const grant = {
      tokens: needed + ahead,
      remaining: this.bucket.remaining(nowUs),
      waitUs: this.bucket.waitUs(nowUs),
    };
    this.#answers.push(() => answer(grant));
  }

  answer(): void {
    for (const each of this.#answers.splice(0)) each();
  }
}

interface Run {
  readonly admittedUs: readonly number[];
  readonly asked: number;
  readonly store: Store;
  readonly waits: number;
}

/** `demand`: requests of one proxy in the millisecond `ms`. */
function simulate(
  rate: TokenRate,
  proxies: number,
  ms: number,
  demand: (proxy: number, ms: number) => number,
): Run {
  let nowUs = 0;
  const now = (): number => nowUs;
  const store = new Store(rate, now);
  const holding = new Set<LeasedQuota>();
  const quotas = Array.from(
    { length: proxies },
    () =>
      new LeasedQuota("k", rate, {
        source: store,
        nowUs: now,
        processes: 1,
        onHolding: (quota) => void holding.add(quota),
        onStandIn: () => {
          throw new Error("the store is there");
        },
      }),
  );
  const admittedUs: number[] = [];
  let asked = 0;
  let waits = 0;
  for (let at = 0; at < ms; at++) {
    nowUs = at * 1_000;
    store.answer();
    for (const [index, quota] of quotas.entries()) {
      for (let i = demand(index, at); i > 0; i--) {
        asked++;
        const take = quota.take(nowUs);
        if (take === "taken") admittedUs.push(nowUs);
        else if (take === "unknown") {
          waits++;
          quota.ask((later) => {
            if (later === "taken") admittedUs.push(nowUs);
          });
        }
      }
    }
    if (at % 250 === 0) for (const quota of holding) if (quota.sweep(nowUs)) holding.delete(quota);
  }
  return { admittedUs, asked, store, waits };
}

/** In every window that begins with an admission. */
function expectNeverOver(admittedUs: readonly number[], rate: TokenRate): void {
  const perUs = rate.requests / (rate.periodMs * 1_000);
  for (let from = 0; from < admittedUs.length; from += 7) {
    for (let to = from; to < admittedUs.length; to += 13) {
      const windowUs = (admittedUs[to] ?? 0) - (admittedUs[from] ?? 0);
      const allowed = rate.burst + perUs * (windowUs + oldestTokenUs) + 1;
      if (to - from + 1 > allowed)
        throw new Error(`${to - from + 1} in ${windowUs} us, allowed are ${allowed}`);
    }
  }
}

test("whatever the demand, no window has more than the burst and the rate over it and two seconds more", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    const requests = 1 + Math.floor(random() * 800);
    const burst = 1 + Math.floor(random() * 800);
    const rate = new TokenRate({ requests: BigInt(requests), periodMs: 1_000, burst: BigInt(burst) });
    const proxies = 1 + Math.floor(random() * 6);
    const changes = Array.from({ length: 20 * proxies }, () => (random() < 0.4 ? 0 : random() * 2));
    const { admittedUs } = simulate(rate, proxies, 10_000, (proxy, ms) => {
      const level = changes[(Math.floor(ms / 500) % 20) * proxies + proxy] ?? 0;
      return Math.floor(level + random());
    });
    expectNeverOver(admittedUs, rate);
    // From the start, when nothing was leased, not one beyond burst and rate.
    expect(admittedUs.length).toBeLessThanOrEqual(burst + requests * 10);
  }
});

test("under far too much, the limit is used and questions are few", () => {
  const rate = new TokenRate({ requests: 400n, periodMs: 1_000, burst: 0n });
  const { admittedUs, asked, store } = simulate(rate, 4, 20_000, () => 1);
  expect(asked).toBe(80_000);
  expect(admittedUs.length).toBeLessThanOrEqual(400 + 400 * 20);
  expect(admittedUs.length).toBeGreaterThan(0.95 * 400 * 20);
  expect(store.questions / asked).toBeLessThan(0.03);
});

test("within the limit nobody is refused, few wait, and questions are few", () => {
  const rate = new TokenRate({ requests: 2_000n, periodMs: 1_000, burst: 0n });
  const { admittedUs, asked, store, waits } = simulate(rate, 4, 20_000, (proxy, ms) =>
    Number((ms + proxy) % 5 === 0),
  );
  expect(admittedUs.length).toBe(asked);
  expect(waits / asked).toBeLessThan(0.01);
  expect(store.questions / asked).toBeLessThan(0.03);
});

test("a proxy that falls silent gives back everything within its lease's life", () => {
  const rate = new TokenRate({ requests: 1_000n, periodMs: 3_600_000, burst: 0n });
  const { admittedUs, store } = simulate(rate, 1, 4_000, (_proxy, ms) =>
    ms < 1_000 && ms % 5 === 0 ? 1 : 0,
  );
  expect(admittedUs).toHaveLength(200);
  expect(store.bucket.remaining(4_000_000)).toBe(801);
});
