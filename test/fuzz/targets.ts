/** What is damaged besides HTTP/1.1, which has a grammar and a mutator of its own. */
import { dnsTargets } from "./dns.ts";
import { grpcTargets } from "./grpc.ts";
import { http2Targets } from "./http2.ts";
import type { Random } from "./mutate.ts";
import { netTargets } from "./net.ts";

/**
 * Damages so many inputs and returns how many were accepted after all, so that a run that never got past the door is
 * noticed. Throws, with the input in hexadecimal, at the first for which a rule does not hold.
 */
export type FuzzTarget = (random: Random, inputs: number) => number;

export const roomTargets: Readonly<Record<string, Readonly<Record<string, FuzzTarget>>>> = {
  http2: http2Targets,
  grpc: grpcTargets,
  net: netTargets,
  dns: dnsTargets,
};
