/** Join tokens: one use over restarts and processes, their time, what is on disk of them. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../kernel/index.ts";
import { JoinTokens } from "./join-tokens.ts";

let directory = "";
let file = "";
let clock = new VirtualClock();
const opened: JoinTokens[] = [];
function open(): JoinTokens {
  const tokens = JoinTokens.open(file, clock);
  opened.push(tokens);
  return tokens;
}
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-tokens-"));
  file = join(directory, "join-tokens");
  clock = new VirtualClock();
});
afterEach(() => {
  for (const tokens of opened.splice(0)) tokens.close();
  rmSync(directory, { recursive: true, force: true });
});

const subject = { namespace: "shop", serviceAccount: "reviews" };

test("a token gives its subject once", () => {
  const tokens = open();
  const token = tokens.create({ ...subject, ttlMs: 60_000 });
  expect(tokens.redeem(token)).toEqual(subject);
  expect(tokens.redeem(token)).toBe("used");
  expect(tokens.redeem(`${token}x`)).toBe("unknown");
  expect(tokens.redeem("x".repeat(100_000))).toBe("unknown");
});

test("a token ends with its time and is forgotten later", () => {
  const tokens = open();
  const token = tokens.create({ ...subject, ttlMs: 60_000 });
  clock.advance(60_000);
  expect(tokens.redeem(token)).toBe("expired");
  clock.advance(2 * 3_600_000);
  tokens.create({ ...subject, ttlMs: 1000 });
  expect(tokens.redeem(token)).toBe("unknown");
});

test("tokens and their use survive a restart and are seen by a second process", () => {
  const first = open();
  const used = first.create({ ...subject, ttlMs: 60_000 });
  const fresh = first.create({ ...subject, ttlMs: 60_000 });
  expect(first.redeem(used)).toEqual(subject);
  const second = open();
  expect(second.redeem(used)).toBe("used");
  expect(second.redeem(fresh)).toEqual(subject);
  expect(first.redeem(fresh)).toBe("used");
});

test("what is on disk is private and holds no token", () => {
  const token = open().create({ ...subject, ttlMs: 60_000 });
  for (const name of readdirSync(directory)) {
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, name)).includes(token.slice(-20))).toBe(false);
  }
});

test("a token is refused for the control plane, for no identity, and for a long life", () => {
  const tokens = open();
  const create = (namespace: string, serviceAccount: string, ttlMs: number) => () =>
    tokens.create({ namespace, serviceAccount, ttlMs });
  expect(create("weft-system", "control", 1000)).toThrow("not handed out");
  expect(create("shop/sa/x", "reviews", 1000)).toThrow("no namespace and service account");
  expect(create("shop", "reviews", 3_600_001)).toThrow("at most 3600 seconds");
  expect(create("shop", "reviews", Number.NaN)).toThrow("at most 3600 seconds");
  expect(create("weft-system", "gateway", 1000)).not.toThrow();
});
