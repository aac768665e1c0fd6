/** Envoy's flags for every reason code. */
import { describe, expect, test } from "bun:test";
import { reasons } from "../../kernel/index.ts";
import { flagOfReason, longFlags, responseFlags } from "./response-flags.ts";
import { httpOutcome, tcpOutcome, testTries } from "./testing/test-outcome.ts";

describe("response flags", () => {
  test("every reason code has an answer, and every flag a long form", () => {
    expect(Object.keys(flagOfReason).toSorted()).toEqual(Object.keys(reasons).toSorted());
    const used = new Set(Object.values(flagOfReason).filter((flag) => flag !== undefined));
    expect(used.size).toBeGreaterThan(10);
    for (const flag of used) expect(longFlags[flag]).toMatch(/^[A-Z][A-Za-z]+$/);
  });

  test.each([
    ["no_route", "NR"],
    ["no_endpoint", "UH"],
    ["pool_exhausted", "UO"],
    ["upstream_connect_failed", "UF"],
    ["upstream_reset", "UC"],
    ["request_timeout", "UT"],
    ["client_closed", "DC"],
    ["rate_limited", "RL"],
    ["external_denied", "UAEX"],
    ["malformed_request", "DPE"],
    ["backend_unresolved", "NC"],
    ["authorization_denied", ""],
  ] as const)("%s is %p", (reason, flags) => {
    expect(responseFlags(httpOutcome({ reason })).join(",")).toBe(flags);
    expect(responseFlags(tcpOutcome({ reason })).join(",")).toBe(flags);
  });

  test("tries that were used up are told beside the cause", () => {
    const tries = testTries({ count: 3 });
    expect(responseFlags(httpOutcome({ reason: "upstream_reset", tries }))).toEqual(["UC", "URX"]);
    expect(responseFlags(httpOutcome({ status: 503, tries }))).toEqual(["URX"]);
    expect(responseFlags(httpOutcome({ status: 200, tries }))).toEqual([]);
    expect(responseFlags(httpOutcome({ reason: "client_closed", tries }))).toEqual(["DC"]);
  });
});
