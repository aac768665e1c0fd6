/** An endpoint as balancers see it, with everything open to a test; and chance with a fixed seed. */
import type { PlacedMember } from "../member.ts";
import { Warmth } from "../member.ts";
import { PeakEwma } from "../peak-ewma.ts";

export class TestMember implements PlacedMember {
  readonly key: string;
  weight: number;
  readonly latency = new PeakEwma();
  readonly warmth = new Warmth();
  readonly endpoint: { region: string; zone: string; priority: number };
  inFlight = 0;
  avoidUntilUs = 0;
  ejectedUntilUs = 0;
  isProbedUnhealthy = false;
  picked = 0;
  slot = 0;

  constructor(weight = 1, key = "", place: { region?: string; zone?: string; priority?: number } = {}) {
    this.weight = weight;
    this.key = key;
    this.endpoint = { region: "", zone: "", priority: 0, ...place };
  }

  isFit(nowUs: number): boolean {
    return this.avoidUntilUs <= nowUs && this.ejectedUntilUs <= nowUs && !this.isProbedUnhealthy;
  }
}

/** Named "m0", "m1", … */
export function testMembers(count: number, weightOf: (index: number) => number = () => 1): TestMember[] {
  return Array.from({ length: count }, (_, index) => new TestMember(weightOf(index), `m${index}`));
}

/** A small generator with a fixed seed: a failing distribution fails every time. */
export function seeded(seed = 42): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
