/** gRPC's interoperability cases with grpc-js at both ends. With grpc-go too: `npm run conformance -- grpc`. */
import { expect, test } from "bun:test";
import { grpcJs } from "./interop-peers.ts";
import { runInterop } from "./interop-suite.ts";

const timeoutMs = 120_000;

test(
  "every case that needs no cloud passes: protocol declared, found out, through a gateway",
  async () => {
    const failed: string[] = [];
    const passed = new Map<string, number>();
    for await (const { way, name, problem } of runInterop([grpcJs])) {
      if (problem === undefined) passed.set(way, (passed.get(way) ?? 0) + 1);
      else failed.push(`${way} ${name}: ${problem}`);
    }
    expect(failed).toEqual([]);
    expect(Object.fromEntries(passed)).toEqual({
      "two sidecars, declared": 19,
      "two sidecars, detected": 19,
      "a gateway": 19,
    });
  },
  timeoutMs,
);
