/** How long names are believed, with a virtual clock and a client that answers what the test says. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import type { DnsAnswerContent } from "./dns-answer.ts";
import { dnsTypes } from "./dns-message.ts";
import { type LookupOutcome, NameResolver, type ResolvedName } from "./name-resolver.ts";

type Said = DnsAnswerContent | string;

const nothing: DnsAnswerContent = { rcode: 0, isTruncated: false, addresses: [], ttlSeconds: undefined };
const noName: DnsAnswerContent = { rcode: 3, isTruncated: false, addresses: [], ttlSeconds: 10 };

function found(addresses: readonly string[], ttlSeconds = 60): DnsAnswerContent {
  return { rcode: 0, isTruncated: false, addresses, ttlSeconds };
}

class Scene {
  readonly clock = new VirtualClock();
  readonly outcomes: LookupOutcome[] = [];
  hasIpv6 = true;
  a: Said = found(["192.0.2.1"]);
  aaaa: Said = nothing;
  /** A look-ups that began. */
  lookups = 0;
  readonly #waiting: (() => void)[] = [];
  readonly resolver = new NameResolver({
    client: {
      ask: (_name, type, done) => {
        if (type === dnsTypes.a) this.lookups++;
        this.#waiting.push(() => done(type === dnsTypes.a ? this.a : this.aaaa));
      },
    },
    clock: this.clock,
    random: () => 0.5,
    onOutcome: (outcome) => this.outcomes.push(outcome),
    hasIpv6: () => this.hasIpv6,
  });

  answer(): void {
    for (const done of this.#waiting.splice(0)) done();
  }

  /** What is said at once, or after the answers that this gives. */
  ask(): readonly string[] | string {
    let result: ResolvedName | string = "not called back";
    this.resolver.resolve("api.example.com", (each) => {
      result = each;
    });
    if (result === "not called back") this.answer();
    return typeof result === "string" ? result : (result as ResolvedName).addresses;
  }

  pass(seconds: number): void {
    this.clock.advance(seconds * 1_000);
  }
}

describe("a name", () => {
  test("is looked up once for all who wait, and believed for its time", () => {
    const scene = new Scene();
    const results: unknown[] = [];
    for (let i = 0; i < 3; i++) scene.resolver.resolve("api.example.com", (each) => results.push(each));
    expect([scene.lookups, results]).toEqual([1, []]);
    scene.answer();
    expect(results).toEqual(Array(3).fill({ addresses: ["192.0.2.1"] }));
    scene.pass(59);
    expect(scene.ask()).toEqual(["192.0.2.1"]);
    expect([scene.lookups, scene.resolver.isFresh("api.example.com")]).toEqual([1, true]);
    scene.pass(1);
    // The old addresses are in use while it is looked up again.
    scene.a = found(["192.0.2.2"]);
    expect(scene.ask()).toEqual(["192.0.2.1"]);
    expect(scene.lookups).toBe(2);
    scene.answer();
    expect(scene.ask()).toEqual(["192.0.2.2"]);
    expect(scene.outcomes).toEqual(["resolved", "resolved"]);
  });

  test.each([
    [0, 4, 5],
    [604_800, 299, 300],
  ])("with a TTL of %d is not asked for again after %d s but after %d", (ttl, before, after) => {
    const scene = new Scene();
    scene.a = found(["192.0.2.1"], ttl);
    scene.ask();
    scene.pass(before);
    scene.ask();
    expect(scene.lookups).toBe(1);
    scene.pass(after - before);
    scene.ask();
    expect(scene.lookups).toBe(2);
  });

  test("that stops resolving keeps its last addresses for ten minutes", () => {
    const scene = new Scene();
    scene.ask();
    scene.a = "no resolver answers";
    scene.aaaa = "no resolver answers";
    for (let second = 60; second < 659; second++) {
      scene.pass(second === 60 ? 60 : 1);
      expect(scene.ask()).toEqual(["192.0.2.1"]);
      scene.answer();
    }
    expect(scene.resolver.staleNames).toBe(1);
    expect(scene.resolver.isFresh("api.example.com")).toBe(false);
    scene.pass(2);
    expect(scene.ask()).toBe("api.example.com cannot be looked up: no resolver answers");
    expect(scene.resolver.staleNames).toBe(0);
    // One, two, four ... thirty seconds apart, not each time that somebody asked.
    expect(scene.lookups).toBeLessThan(30);
    scene.a = found(["192.0.2.9"]);
    scene.aaaa = nothing;
    scene.pass(46);
    expect(scene.ask()).toEqual(["192.0.2.9"]);
  });

  test("that does not exist is not asked for again while DNS says so", () => {
    const scene = new Scene();
    scene.a = noName;
    scene.aaaa = noName;
    expect(scene.ask()).toBe("api.example.com does not exist in DNS");
    scene.pass(9);
    expect(scene.ask()).toBe("api.example.com does not exist in DNS");
    expect([scene.lookups, scene.outcomes]).toEqual([1, ["empty"]]);
    scene.a = found(["192.0.2.1"]);
    scene.pass(1);
    expect(scene.ask()).toEqual(["192.0.2.1"]);
  });

  test("has addresses of both families where this machine has both, and any where there are no others", () => {
    const scene = new Scene();
    scene.a = found(["192.0.2.9", "192.0.2.1"], 20);
    scene.aaaa = found(["2001:db8::1"], 10);
    expect(scene.ask()).toEqual(["192.0.2.1", "192.0.2.9", "2001:db8::1"]);
    scene.hasIpv6 = false;
    scene.pass(10);
    scene.ask();
    scene.answer();
    expect(scene.ask()).toEqual(["192.0.2.1", "192.0.2.9"]);
    scene.a = nothing;
    scene.pass(20);
    scene.ask();
    scene.answer();
    expect(scene.ask()).toEqual(["2001:db8::1"]);
  });

  test("is known by one family while the other cannot be looked up", () => {
    const scene = new Scene();
    scene.aaaa = "a resolver answers with code 2";
    expect(scene.ask()).toEqual(["192.0.2.1"]);
    scene.a = nothing;
    scene.pass(700);
    expect(scene.ask()).toBe("api.example.com cannot be looked up: a resolver answers with code 2");
  });

  test("keeps its object while its addresses are the same, in any order", () => {
    const scene = new Scene();
    scene.a = found(["192.0.2.1", "192.0.2.2"]);
    scene.ask();
    const before = scene.resolver.peek("api.example.com");
    scene.a = found(["192.0.2.2", "192.0.2.1"]);
    scene.pass(60);
    scene.ask();
    scene.answer();
    expect(scene.resolver.peek("api.example.com")).toBe(before);
  });

  test("is one of a bounded number", () => {
    const scene = new Scene();
    for (let i = 0; i < 5_000; i++) {
      scene.resolver.refresh(`n${i}.example`);
      scene.answer();
    }
    const known = Array.from({ length: 5_000 }, (_, i) => scene.resolver.peek(`n${i}.example`)).filter(
      Boolean,
    );
    expect(known.length).toBeLessThanOrEqual(4_096);
    expect(scene.resolver.peek("n4999.example")).toBeDefined();
  });
});
