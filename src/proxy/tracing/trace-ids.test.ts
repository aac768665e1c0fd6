/** Ids: their form, that they differ, and that they are spread evenly enough to sample by. */
import { describe, expect, test } from "bun:test";
import { testTelemetry } from "../testing/test-telemetry.ts";
import { isKeptAtEnd, isSampledAtHead } from "./sampling.ts";
import { TraceIds } from "./trace-ids.ts";

describe("ids", () => {
  test("have their form and differ", () => {
    const ids = new TraceIds();
    const spans = Array.from({ length: 10_000 }, () => ids.span());
    expect(spans.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
    expect(new Set(spans).size).toBe(10_000);
    expect(ids.trace()).toMatch(/^[0-9a-f]{32}$/);
  });

  test("two proxies begin differently", () => {
    expect(new TraceIds().trace()).not.toBe(new TraceIds().trace());
  });
});

describe("at the head", () => {
  const { tracing } = testTelemetry();

  test("a share of the ids is kept, the same ones everywhere", () => {
    const ids = new TraceIds();
    const settings = { ...tracing, samplingPpm: 100_000 };
    const traces = Array.from({ length: 20_000 }, () => ids.trace());
    const kept = traces.filter((id) => isSampledAtHead(settings, id, undefined));
    expect(kept.length).toBeGreaterThan(1_850);
    expect(kept.length).toBeLessThan(2_150);
    const wider = { ...tracing, samplingPpm: 200_000 };
    expect(kept.every((id) => isSampledAtHead(wider, id, undefined))).toBe(true);
  });

  test("none and all are exact", () => {
    const lowest = "0".repeat(31) + "1";
    const highest = "f".repeat(32);
    expect(isSampledAtHead({ ...tracing, samplingPpm: 0 }, lowest, undefined)).toBe(false);
    expect(isSampledAtHead({ ...tracing, samplingPpm: 1_000_000 }, highest, undefined)).toBe(true);
  });

  test("the parent decides where it is followed", () => {
    const id = "f".repeat(32);
    expect(isSampledAtHead(tracing, id, true)).toBe(true);
    expect(isSampledAtHead({ ...tracing, followsParent: false }, id, true)).toBe(false);
    expect(isSampledAtHead({ ...tracing, samplingPpm: 1_000_000 }, id, false)).toBe(false);
  });
});

describe("at the end", () => {
  const { tracing } = testTelemetry();
  const well = { isFailed: false, durationUs: 10 };

  test("what was sampled is kept, the rest only where it failed or was slow", () => {
    expect(isKeptAtEnd(tracing, true, well)).toBe(true);
    expect(isKeptAtEnd(tracing, false, well)).toBe(false);
    expect(isKeptAtEnd(tracing, false, { ...well, isFailed: true })).toBe(true);
    expect(isKeptAtEnd(tracing, false, { ...well, durationUs: 1_000_001 })).toBe(true);
    expect(isKeptAtEnd(tracing, false, { ...well, durationUs: 1_000_000 })).toBe(false);
  });

  test("a policy may want none of that", () => {
    const settings = { ...tracing, keepsErrors: false, keepsSlowerThanMs: 0 };
    expect(isKeptAtEnd(settings, false, { isFailed: true, durationUs: 1e9 })).toBe(false);
    expect(isKeptAtEnd({ ...tracing, isEnabled: false }, true, { isFailed: true, durationUs: 1e9 })).toBe(
      false,
    );
  });
});
