/** The operator's limits as the proxy has them: defaults where there are none, worked out once. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { type Limits, LimitsSchema } from "../../model/index.ts";
import { CurrentLimits, defaultLimits, limitLabel, limitNames } from "./limits.ts";

describe("the limits in force", () => {
  test("are the defaults without a configuration", () => {
    expect(new CurrentLimits(() => undefined).get()).toMatchObject(defaultLimits);
  });

  test("are never zero for what a configuration leaves out", () => {
    const limits = new CurrentLimits(() => empty).get();
    expect(limits).toMatchObject({ ...defaultLimits, tcpIdleTimeoutMs: 0, maxRequestsPerConnection: 0 });
  });

  test("are worked out once for each configuration", () => {
    let from: Limits | undefined = create(LimitsSchema, { maxHeaders: 9 });
    const current = new CurrentLimits(() => from);
    const first = current.get();
    expect(current.get()).toBe(first);
    expect(first.http1.maxHeaders).toBe(9);
    from = create(LimitsSchema, { maxHeaders: 10 });
    expect(current.get().http1.maxHeaders).toBe(10);
    from = undefined;
    expect(current.get().http1.maxHeaders).toBe(defaultLimits.maxHeaders);
  });

  test.each([
    [4_096, 16_384, 262_144],
    [65_536, 262_144, 4_194_304],
    [1_048_576, 1_048_576, 4_194_304],
    [16_777_216, 16_777_216, 33_554_432],
  ])("%d buffered bytes make windows of %d and %d", (maxBufferedBodyBytes, stream, connection) => {
    const { http2 } = new CurrentLimits(
      (
        (limits) => () =>
          limits
      )(create(LimitsSchema, { maxBufferedBodyBytes })),
    ).get();
    expect([http2.streamWindowBytes, http2.connectionWindowBytes]).toEqual([stream, connection]);
    expect(http2.sendQueueBytes).toBe(maxBufferedBodyBytes);
  });

  test("have labels of their own", () => {
    expect(limitLabel("maxHeaders")).toBe("max_headers");
    expect(limitLabel("http2Abuse")).toBe("http2_abuse");
    expect(new Set(limitNames.map(limitLabel)).size).toBe(limitNames.length);
  });
});

const empty = create(LimitsSchema, {});
