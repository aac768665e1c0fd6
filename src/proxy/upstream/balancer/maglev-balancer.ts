/**
 * Maglev (Eisenbud et al., NSDI 2016): a table of a prime number of places that members claim in turns, each in an order of
 * its own, so that shares are exact to one place and a look-up is one division. Where a member has left, the walk of
 * `hash-table.ts` gives its places to others; Maglev's own new table would move some keys of the others too.
 */
import type { Balancer, BalancerOptions } from "./balancer.ts";
import { hash32, mix32 } from "../../../kernel/index.ts";
import { HashTableBalancer, maxOwners, ownerOfClaim, packClaim, type PlaceTable } from "./hash-table.ts";
import type { BalancerMember } from "./member.ts";

/** Primes just above powers of two. */
const tableSizes = [65_537, 131_101, 262_147, 524_309, 1_048_583, 2_097_169, 4_194_319];
/** In a table that nobody chose: shares are then exact to a quarter. */
const minPlacesOfMember = 4;
const free = 0xffff_ffff;

export class MaglevBalancer<M extends BalancerMember> extends HashTableBalancer<M> {
  readonly #tableSize: number;

  constructor(members: readonly M[], options: BalancerOptions = {}, previous?: Balancer<M>) {
    super(members, options, previous);
    this.#tableSize = options.tableSize ?? 0;
  }

  protected override build(members: readonly M[]): PlaceTable {
    const placed = members.slice(0, maxOwners);
    const size = sizeFor(placed.length, this.#tableSize);
    const owners = new Uint32Array(size).fill(free);
    const places = Uint32Array.from(placed, ({ key }) => hash32(key) % size);
    const strides = Uint32Array.from(placed, ({ key }) => 1 + (hash32(key, 1) % (size - 1)));
    const claim = (member: number): void => {
      const stride = strides[member] ?? 1;
      let place = places[member] ?? 0;
      while (owners[place] !== free) place = (place + stride) % size;
      owners[place] = member;
      places[member] = (place + stride) % size;
    };
    if (placed.every(({ weight }) => weight === placed[0]?.weight)) {
      for (let i = 0; i < size; i++) claim(i % placed.length);
    } else {
      for (const turn of turnsByWeight(placed, size)) claim(ownerOfClaim(turn));
    }
    return new MaglevTable(owners);
  }
}

/** Of `size` turns each member has its share, spread evenly over all of them. */
function turnsByWeight(members: readonly BalancerMember[], size: number): Float64Array {
  const weight = members.reduce((sum, member) => sum + member.weight, 0);
  const turns = new Float64Array(size);
  let used = 0;
  let reached = 0;
  for (const [index, member] of members.entries()) {
    reached += member.weight;
    // Rounded sums, so that all turns together are exactly `size`.
    const end = index === members.length - 1 ? size : Math.round((reached / weight) * size);
    const count = end - used;
    for (let i = 0; i < count; i++) {
      turns[used++] = packClaim(Math.floor(((i + 0.5) / count) * 0x1_0000_0000), index);
    }
  }
  return turns.sort();
}

function sizeFor(members: number, wanted: number): number {
  const largest = tableSizes.at(-1) ?? 0;
  if (wanted > members && wanted <= largest) return primeFrom(wanted);
  return tableSizes.find((size) => size >= members * minPlacesOfMember) ?? largest;
}

function primeFrom(wanted: number): number {
  let candidate = Math.max(3, wanted);
  while (!isPrime(candidate)) candidate++;
  return candidate;
}

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) {
    if (value % divisor === 0) return false;
  }
  return true;
}

class MaglevTable implements PlaceTable {
  readonly #owners: Uint32Array;

  constructor(owners: Uint32Array) {
    this.#owners = owners;
  }

  get size(): number {
    return this.#owners.length;
  }

  placeOf(hash: number): number {
    return hash % this.#owners.length;
  }

  /** Keys of one place part here, so that no single other member has to take them all. */
  after(place: number, hash: number): number {
    const { length } = this.#owners;
    return (place + 1 + (mix32(hash) % (length - 1))) % length;
  }

  ownerOf(place: number): number {
    return this.#owners[place] ?? 0;
  }
}
