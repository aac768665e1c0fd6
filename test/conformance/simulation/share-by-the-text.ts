/**
 * The chance of one request, from the texts: XXH32 as its specification (xxhash.com, "XXH32 algorithm description") has it, in exact integers and
 * over the UTF-8 bytes of the id, seeded with the hash of the purpose.
 */

const [prime1, prime2, prime3, prime4, prime5] = [
  2_654_435_761n,
  2_246_822_519n,
  3_266_489_917n,
  668_265_263n,
  374_761_393n,
];
const word = 2n ** 32n;

/** In [0, 1). */
export function shareByTheText(requestId: string, purpose: string): number {
  return Number(xxh32(requestId, xxh32(purpose, 0n))) / 2 ** 32;
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (32n - bits))) % word;
}

function xxh32(text: string, seed: bigint): bigint {
  const bytes = [...new TextEncoder().encode(text)].map(BigInt);
  const little = (at: number): bigint =>
    [0, 1, 2, 3].reduce((sum, i) => sum + ((bytes[at + i] ?? 0n) << BigInt(8 * i)), 0n);
  let at = 0;
  let hash = (seed + prime5) % word;
  if (bytes.length >= 16) {
    const lanes = [seed + prime1 + prime2, seed + prime2, seed, seed + word - prime1].map(
      (lane) => lane % word,
    );
    for (; at + 16 <= bytes.length; at += 16) {
      for (const [i, lane] of lanes.entries()) {
        lanes[i] = (rotate((lane + little(at + 4 * i) * prime2) % word, 13n) * prime1) % word;
      }
    }
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) % word;
  }
  hash = (hash + BigInt(bytes.length)) % word;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (rotate((hash + little(at) * prime3) % word, 17n) * prime4) % word;
  }
  for (; at < bytes.length; at++) {
    hash = (rotate((hash + (bytes[at] ?? 0n) * prime5) % word, 11n) * prime1) % word;
  }
  hash = ((hash ^ (hash >> 15n)) * prime2) % word;
  hash = ((hash ^ (hash >> 13n)) * prime3) % word;
  return hash ^ (hash >> 16n);
}
