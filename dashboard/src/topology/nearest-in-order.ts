/** Places in a given order, none over another, as near as possible to where each wants to be (isotonic regression, pooling violators). */

interface Pool {
  sum: number;
  count: number;
}

/** Middles, by least squares. `sizes` are along the axis; `gap` is kept between two. */
export function nearestInOrder(wanted: readonly number[], sizes: readonly number[], gap: number): number[] {
  // Without what must lie between them, the places only have to grow.
  const offsets: number[] = [];
  let offset = 0;
  for (const [index, size] of sizes.entries()) {
    if (index > 0) offset += (sizes[index - 1] ?? 0) / 2 + gap + size / 2;
    offsets.push(offset);
  }
  const pools: Pool[] = [];
  for (const [index, value] of wanted.entries()) {
    let pool: Pool = { sum: value - (offsets[index] ?? 0), count: 1 };
    for (let last = pools.at(-1); last !== undefined && mean(last) >= mean(pool); last = pools.at(-1)) {
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count };
      pools.pop();
    }
    pools.push(pool);
  }
  return pools
    .flatMap((pool) => Array.from({ length: pool.count }, () => mean(pool)))
    .map((value, index) => value + (offsets[index] ?? 0));
}

function mean({ sum, count }: Pool): number {
  return sum / count;
}
