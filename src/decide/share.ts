/**
 * Chance about one request: where it falls in [0, 1) for one purpose. Drawn from its id, so that every proxy that sees the
 * request draws the same, and a simulation foretells it. The hash is XXH32 (kernel/hash.ts), seeded with the hash of the
 * purpose, so that what is drawn for one purpose says nothing about another:
 *
 *   backend of a rule        "backend <namespace>/<name>" of the route
 *   mirrors of a rule        "mirror[<n>] <namespace>/<name>", counted over the rule's mirrors and then the backend's
 *   fault                    "fault FaultPolicy <namespace>/<name> faults[<n>]"
 *
 * A purpose has its route in it, since one id is carried through many tiers: two tiers that each send a tenth of their requests
 * to something new would otherwise choose the same tenth.
 */
import { hash32 } from "../kernel/index.ts";

const numbers = 2 ** 32;

/** What `shareAt` takes, worked out when configuration is prepared. */
export function shareSeed(purpose: string): number {
  return hash32(purpose);
}

/** In [0, 1), in steps of 2^-32. */
export function shareAt(requestId: string, seed: number): number {
  return hash32(requestId, seed) / numbers;
}

export function shareOf(requestId: string, purpose: string): number {
  return shareAt(requestId, shareSeed(purpose));
}
