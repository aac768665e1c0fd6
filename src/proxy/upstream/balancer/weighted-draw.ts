/** Draws an index with a probability in proportion to its weight: O(1) where all weights are equal, else O(log n). */
export class WeightedDraw {
  readonly #count: number;
  /** Running sums of the weights; undefined where all are equal. */
  readonly #sums: Float64Array | undefined;

  /** None of `weights` is 0. */
  constructor(members: readonly { readonly weight: number }[]) {
    this.#count = members.length;
    this.#sums = runningSums(members);
  }

  get hasEqualWeights(): boolean {
    return this.#sums === undefined;
  }

  /** 0 where there are no members. */
  get meanWeight(): number {
    const sums = this.#sums;
    return sums === undefined ? 0 : (sums[sums.length - 1] ?? 0) / sums.length;
  }

  /** `random` is in [0, 1). */
  draw(random: number): number {
    const sums = this.#sums;
    if (sums === undefined) return Math.floor(random * this.#count);
    const wanted = random * (sums[sums.length - 1] ?? 0);
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function runningSums(members: readonly { readonly weight: number }[]): Float64Array | undefined {
  const weight = members[0]?.weight ?? 0;
  if (members.every((member) => member.weight === weight)) return undefined;
  const sums = new Float64Array(members.length);
  let sum = 0;
  for (let i = 0; i < members.length; i++) {
    sum += members[i]?.weight ?? 0;
    sums[i] = sum;
  }
  return sums;
}
