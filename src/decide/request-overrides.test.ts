/** What a program may say of its own request, and that it can take nothing that it was not given. */
import { describe, expect, test } from "bun:test";
import { applyOverrides, parseOverrides } from "./request-overrides.ts";
import { requestDefaults } from "./requests.ts";

const none = { requestTimeoutMs: undefined, tryTimeoutMs: undefined, maxRetries: undefined };

test.each([
  ["timeout=1500, try-timeout=300,retries=0", { requestTimeoutMs: 1_500, tryTimeoutMs: 300, maxRetries: 0 }],
  [" retries=3 ", { ...none, maxRetries: 3 }],
  ["retries=99999", { ...none, maxRetries: 10 }],
  ["timeout=5, timeout=7", { ...none, requestTimeoutMs: 5 }],
  ["later=1, timeout=5", { ...none, requestTimeoutMs: 5 }],
])("%j is understood", (text, overrides) => {
  expect(parseOverrides(text)).toEqual(overrides);
});

test.each([
  "",
  "timeout",
  "timeout=",
  "timeout=-1",
  "timeout=1.5",
  "timeout=1e3",
  "timeout=9999999999",
  "Timeout=5",
  "constructor=5",
  `${"a=1,".repeat(100_000)}timeout=5`,
])("%.40j says nothing", (text) => {
  expect(parseOverrides(text)).toBeUndefined();
});

describe("overrides", () => {
  const configured = { ...requestDefaults.sidecar, requestTimeoutMs: 1_000, tryTimeoutMs: 0 };

  test("shorten times and never lengthen them", () => {
    const apply = (text: string) => {
      const { requestTimeoutMs, tryTimeoutMs } = applyOverrides(configured, parseOverrides(text) ?? none);
      return [requestTimeoutMs, tryTimeoutMs];
    };
    expect(apply("timeout=200, try-timeout=100")).toEqual([200, 100]);
    expect(apply("timeout=2000")).toEqual([1_000, 0]);
    // None at all would be longer.
    expect(apply("timeout=0, try-timeout=0, retries=1")).toEqual([1_000, 0]);
  });

  test("choose the number of retries and leave alone what they are made on", () => {
    const { retry } = applyOverrides(configured, { ...none, maxRetries: 0 });
    expect(retry).toEqual({ ...configured.retry, maxRetries: 0 });
    expect(applyOverrides(configured, { ...none, requestTimeoutMs: 5 }).retry).toBe(configured.retry);
  });
});
