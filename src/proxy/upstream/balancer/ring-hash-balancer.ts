/**
 * Ring hash: each member has places on a ring of 2^32, a request goes to the first at or after its hash. How many places a
 * unit of weight has is a power of two, so that it stays the same when a member leaves and only the keys of that one move.
 */
import type { Balancer, BalancerOptions } from "./balancer.ts";
import { hash32, mix32 } from "../../../kernel/index.ts";
import {
  HashTableBalancer,
  maxOwners,
  orderOfClaim,
  ownerOfClaim,
  packClaim,
  type PlaceTable,
} from "./hash-table.ts";
import type { BalancerMember } from "./member.ts";

/** Shares of members of equal weight then differ by about 9 % (one standard deviation: 1 / sqrt(128)). */
const defaultPlacesOfMember = 128;
/** 4 MiB. With more members than this over 128, each has fewer places. */
const defaultMaxPlaces = 524_288;
/** As in Envoy. */
const maxPlaces = 8_388_608;
/** The golden ratio's fraction: numbers that follow each other by it are far apart. */
const placeStep = 0x9e3779b9;

export class RingHashBalancer<M extends BalancerMember> extends HashTableBalancer<M> {
  readonly #ringSize: number;

  constructor(members: readonly M[], options: BalancerOptions = {}, previous?: Balancer<M>) {
    super(members, options, previous);
    this.#ringSize = Math.min(options.ringSize ?? 0, maxPlaces);
  }

  protected override build(members: readonly M[]): PlaceTable {
    const placed = members.slice(0, maxOwners);
    const perWeight = placesPerWeight(placed, this.#ringSize);
    const counts = placed.map(({ weight }) => Math.max(1, Math.round(weight * perWeight)));
    const claims = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
    let used = 0;
    for (const [owner, member] of placed.entries()) {
      const seed = hash32(member.key);
      const count = counts[owner] ?? 0;
      for (let i = 0; i < count; i++)
        claims[used++] = packClaim(mix32(seed + Math.imul(i, placeStep)), owner);
    }
    return new Ring(claims.sort());
  }
}

/** The power of two that comes nearest to the wanted size. */
function placesPerWeight(members: readonly BalancerMember[], ringSize: number): number {
  const weight = members.reduce((sum, member) => sum + member.weight, 0);
  const size = ringSize || Math.min(members.length * defaultPlacesOfMember, defaultMaxPlaces);
  return 2 ** Math.round(Math.log2(size / weight));
}

class Ring implements PlaceTable {
  readonly #hashes: Uint32Array;
  readonly #owners: Uint32Array;

  /** `claims` in order. */
  constructor(claims: Float64Array) {
    this.#hashes = new Uint32Array(claims.length);
    this.#owners = new Uint32Array(claims.length);
    for (let i = 0; i < claims.length; i++) {
      this.#hashes[i] = orderOfClaim(claims[i] ?? 0);
      this.#owners[i] = ownerOfClaim(claims[i] ?? 0);
    }
  }

  get size(): number {
    return this.#owners.length;
  }

  placeOf(hash: number): number {
    const hashes = this.#hashes;
    let low = 0;
    let high = hashes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((hashes[middle] ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    return low === hashes.length ? 0 : low;
  }

  after(place: number): number {
    return place + 1 === this.#owners.length ? 0 : place + 1;
  }

  ownerOf(place: number): number {
    return this.#owners[place] ?? 0;
  }
}
