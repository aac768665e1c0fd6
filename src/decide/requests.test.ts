/** Request policies: who wins for which field, and what holds where nobody has said anything. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { RequestPolicySchema } from "../model/index.ts";
import { inboundRequests, layRequests, requestDefaults } from "./requests.ts";

function lay(...layers: MessageInitShape<typeof RequestPolicySchema>[]): ReturnType<typeof layRequests> {
  return layers.reduce<ReturnType<typeof layRequests>>(
    (under, layer) => layRequests(create(RequestPolicySchema, layer), under),
    requestDefaults.sidecar,
  );
}

describe("a policy over another", () => {
  test("nothing said is nothing changed", () => {
    expect(layRequests(undefined, requestDefaults.gateway)).toBe(requestDefaults.gateway);
    expect(lay({}, { retry: {} })).toEqual(requestDefaults.sidecar);
  });

  test("each field alone is taken from whoever says it nearest", () => {
    const cluster = {
      requestTimeoutMs: 1_000,
      tryTimeoutMs: 100,
      retry: { maxRetries: 5, backoffBaseMs: 10, maxBodyBytes: 1, unsafeMethods: true },
    };
    const rule = { tryTimeoutMs: 0, streamIdleTimeoutMs: 7, retry: { maxRetries: 0, unsafeMethods: false } };
    const laid = lay(cluster, rule);
    expect(laid).toMatchObject({ requestTimeoutMs: 1_000, tryTimeoutMs: 0, streamIdleTimeoutMs: 7 });
    expect(laid.retry).toMatchObject({
      maxRetries: 0,
      backoffBaseMs: 10,
      backoffMaxMs: 250,
      maxBodyBytes: 1,
      maxRetryAfterMs: 10_000,
      unsafeMethods: false,
    });
  });

  test("conditions that are named stand alone", () => {
    const { retry } = lay({
      retry: { conditions: { statuses: [500], grpcStatuses: [14], tryTimeout: true } },
    });
    expect(retry).toMatchObject({
      onConnectFailure: false,
      onReset: false,
      onTryTimeout: true,
      statuses: new Set([500]),
      grpcStatuses: new Set([14]),
    });
  });

  test("a base over the default maximum lifts it", () => {
    expect(lay({ retry: { backoffBaseMs: 1_000 } }).retry.backoffMaxMs).toBe(10_000);
    expect(lay({ retry: { backoffBaseMs: 1_000, backoffMaxMs: 500 } }).retry.backoffMaxMs).toBe(500);
  });

  test.each([
    [[{ hedge: { delayMs: 50 } }], { delayMs: 50, maxExtra: 1 }],
    [[{ hedge: { delayMs: 50, maxExtra: 2 } }, { hedge: { delayMs: 5 } }], { delayMs: 5, maxExtra: 2 }],
    [[{ hedge: { delayMs: 50 } }, { hedge: { maxExtra: 0 } }], undefined],
    [[{ hedge: { maxExtra: 1 } }], undefined],
  ])("hedging %j is %j", (layers, expected) => {
    expect(lay(...layers).hedge).toEqual(expected);
  });
});

test("where nobody has said anything requests are repeated, and only gateways end silent streams", () => {
  expect(requestDefaults.sidecar).toMatchObject({
    requestTimeoutMs: 0,
    tryTimeoutMs: 0,
    streamIdleTimeoutMs: 0,
    hedge: undefined,
    retry: { maxRetries: 2, onConnectFailure: true, onReset: true, statuses: new Set([503]) },
  });
  expect(requestDefaults.gateway.streamIdleTimeoutMs).toBe(300_000);
  expect(inboundRequests.retry.maxRetries).toBe(0);
});
