/** Formats of trace contexts: what is read is what was written, and nothing else is read. */
import { describe, expect, test } from "bun:test";
import { array, type Arbitrary, assert, boolean, constantFrom, nat, pre, property, tuple } from "fast-check";
import {
  formatB3,
  formatTraceparent,
  isTracestate,
  parseB3,
  parseB3Fields,
  parseTraceparent,
} from "./parent-context.ts";

const hexDigits = "0123456789abcdef".split("");
const digits = (length: number): Arbitrary<string> =>
  array(constantFrom(...hexDigits), { minLength: length, maxLength: length })
    .map((each) => each.join(""))
    .filter((text) => !/^0*$/.test(text));
const ids = tuple(digits(32), digits(16), boolean());
const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const span = "00f067aa0ba902b7";

describe("traceparent", () => {
  test("what was written is read", () => {
    assert(
      property(ids, ([traceId, spanId, isSampled]) => {
        expect(parseTraceparent(formatTraceparent(traceId, spanId, isSampled))).toEqual({
          traceId,
          spanId,
          isSampled,
        });
      }),
    );
  });

  test("nothing that differs by one character in its form is read", () => {
    const good = `00-${trace}-${span}-01`;
    assert(
      property(nat(good.length), constantFrom("", "-", "G", "A", " ", ",", "\u00e9"), (at, put) => {
        const bad = good.slice(0, at) + put + good.slice(at + 1);
        pre(bad !== good);
        expect(parseTraceparent(bad)).toBeUndefined();
      }),
    );
  });

  const rows: readonly (readonly [text: string, isRead: boolean])[] = [
    [`00-${trace}-${span}-01`, true],
    [`00-${trace}-${span}-ff`, true],
    [`00-${trace}-${span}-01-more`, false],
    [`cc-${trace}-${span}-01`, true],
    [`cc-${trace}-${span}-01-what-comes-later`, true],
    [`cc-${trace}-${span}-01.later`, false],
    [`ff-${trace}-${span}-01`, false],
    [`00-${"0".repeat(32)}-${span}-01`, false],
    [`00-${trace}-${"0".repeat(16)}-01`, false],
    [`00-${trace.toUpperCase()}-${span}-01`, false],
    [` 00-${trace}-${span}-01`, false],
    [`00-${trace}-${span}-01, 00-${trace}-${span}-01`, false],
    ["", false],
  ];
  test.each(rows)("%p: %p", (text, isRead) => {
    expect(parseTraceparent(text) !== undefined).toBe(isRead);
  });

  test("the lowest bit of the flags is the decision", () => {
    expect(parseTraceparent(`00-${trace}-${span}-03`)?.isSampled).toBe(true);
    expect(parseTraceparent(`00-${trace}-${span}-02`)?.isSampled).toBe(false);
  });
});

describe("tracestate", () => {
  const rows: readonly (readonly [text: string, isGood: boolean])[] = [
    ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true],
    ["a=1, ,b=2", true],
    ["tenant@vendor=1", true],
    ["1tenant@vendor=1", true],
    ["1key=1", false],
    ["a=1,a=2", false],
    ["A=1", false],
    ["a", false],
    ["a=", false],
    ["a=b=c", false],
    ["a=1;\u0001", false],
    [Array.from({ length: 32 }, (_, i) => `k${i}=v`).join(","), true],
    [Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(","), false],
    [`a=${"x".repeat(256)}`, true],
    [`a=${"x".repeat(257)}`, false],
    [`a=${"x".repeat(255)},b=${"x".repeat(255)}`, false],
  ];
  test.each(rows)("%p: %p", (text, isGood) => {
    expect(isTracestate(text)).toBe(isGood);
  });
});

describe("B3 in one field", () => {
  test("what was written is read", () => {
    assert(
      property(ids, ([traceId, spanId, isSampled]) => {
        expect(parseB3(formatB3(traceId, spanId, isSampled))).toEqual({ traceId, spanId, isSampled });
      }),
    );
  });

  test("ids of 64 bits, debug, a decision left open, a decision alone", () => {
    expect(parseB3(`${span}-${span}-d`)).toEqual({
      traceId: span.padStart(32, "0"),
      spanId: span,
      isSampled: true,
    });
    expect(parseB3(`${trace}-${span}`)?.isSampled).toBeUndefined();
    expect(parseB3(`${trace}-${span}-1-${span}`)?.isSampled).toBe(true);
    expect(parseB3("0")).toEqual({ traceId: "", spanId: "", isSampled: false });
  });

  test.each([
    "",
    "2",
    trace,
    `${trace}-${span}-2`,
    `${trace}-${span}-1-`,
    `${trace}-${span}-1-${span}-1`,
    `${trace.slice(1)}-${span}-1`,
    `${"0".repeat(32)}-${span}-1`,
    `${trace}-${"0".repeat(16)}-1`,
    `${trace.toUpperCase()}-${span}-1`,
  ])("%p is none", (text) => {
    expect(parseB3(text)).toBeUndefined();
  });
});

describe("B3 in several fields", () => {
  const none = { traceId: undefined, spanId: undefined, sampled: undefined, flags: undefined };

  test("what is written is read", () => {
    assert(
      property(ids, ([traceId, spanId, isSampled]) => {
        const fields = { ...none, traceId, spanId, sampled: isSampled ? "1" : "0" };
        expect(parseB3Fields(fields)).toEqual({ traceId, spanId, isSampled });
      }),
    );
  });

  test("debug counts as sampled, and older words are known", () => {
    expect(parseB3Fields({ ...none, traceId: trace, spanId: span, flags: "1" })?.isSampled).toBe(true);
    expect(parseB3Fields({ ...none, sampled: "false" })).toEqual({
      traceId: "",
      spanId: "",
      isSampled: false,
    });
  });

  test.each([
    none,
    { ...none, traceId: trace },
    { ...none, spanId: span },
    { ...none, traceId: trace, spanId: span, sampled: "yes" },
    { ...none, traceId: trace, spanId: span, flags: "2" },
    { ...none, traceId: `${trace}, ${trace}`, spanId: span },
    { ...none, traceId: trace, spanId: span.toUpperCase() },
  ])("%p is none", (fields) => {
    expect(parseB3Fields(fields)).toBeUndefined();
  });
});
