/**
 * What ring hash and Maglev have in common: a table of places, each owned by a member, and a walk from the place of a
 * request's hash to the first owner that can be had. A member that is not fit, was tried or has left is walked past: its
 * keys go to others, and no other key moves. So a table stays in use while members only leave; it is built anew, with the
 * next pick, when one joins or weighs something else, or when most of its places are without an owner.
 */
import type { HashKey } from "../../../model/index.ts";
import { alwaysJudged, type Balancer, type BalancerOptions, type PickRequest } from "./balancer.ts";
import { randomHash } from "./hash.ts";
import { type BalancerMember, type Fitness, indexIn, indexMembers, scanFrom } from "./member.ts";

export interface PlaceTable {
  /** Of all places together. */
  readonly size: number;
  placeOf(hash: number): number;
  /** The next place of a walk that began with `hash`. */
  after(place: number, hash: number): number;
  /** Index of the member. */
  ownerOf(place: number): number;
}

/** A table and the members that it was built for. */
interface Built<M> {
  readonly table: PlaceTable;
  readonly members: readonly M[];
  readonly weights: readonly number[];
  readonly atUs: number;
}

/** Longer walks meet nobody but the unfit. */
const maxWalk = 4_096;
/**
 * Between two builds, for each place of the table: building takes about 0.1 µs for each, so that members that join all the
 * time cost at most some 5 % of a core. 65,537 places: 131 ms, in which a new member waits for its keys.
 */
const rebuildUsPerPlace = 2;

export abstract class HashTableBalancer<M extends BalancerMember> implements Balancer<M> {
  readonly members: readonly M[];
  readonly #fitness: Fitness;
  readonly #hashKeys: readonly HashKey[];
  #built: Built<M> | undefined;
  #inherited: Built<M> | undefined;
  /** By index of the built members: 1 for those that have left. Undefined: all are here. */
  #gone: Uint8Array | undefined;
  /** When a table that lacks members may be replaced; Infinity: it lacks none. */
  #rebuildUs = Number.POSITIVE_INFINITY;

  constructor(members: readonly M[], options: BalancerOptions = {}, previous?: Balancer<M>) {
    this.members = members;
    this.#fitness = options.fitness ?? alwaysJudged;
    this.#hashKeys = options.hashKeys ?? [];
    this.#built = undefined;
    this.#inherited =
      previous instanceof HashTableBalancer && previous.constructor === this.constructor
        ? (previous.#built ?? previous.#inherited)
        : undefined;
  }

  pick(nowUs: number, random: () => number, tried?: readonly M[], request?: PickRequest): M | undefined {
    if (this.members.length === 0) return undefined;
    const built = this.#current(nowUs);
    const hash = request?.hash(this.#hashKeys) ?? randomHash(random);
    const { table } = built;
    const steps = Math.min(table.size, maxWalk);
    let place = table.placeOf(hash);
    for (let i = 0; i < steps; i++) {
      const owner = table.ownerOf(place);
      const member = built.members[owner];
      if (member !== undefined && this.#gone?.[owner] !== 1 && this.#isEligible(member, nowUs, tried))
        return member;
      place = table.after(place, hash);
    }
    const start = hash % this.members.length;
    return scanFrom(this.members, start, (member) => this.#fitness.isFit(member, nowUs), tried);
  }

  /** For `members`, of which there is at least one. */
  protected abstract build(members: readonly M[]): PlaceTable;

  #isEligible(member: M, nowUs: number, tried: readonly M[] | undefined): boolean {
    return this.#fitness.isFit(member, nowUs) && tried?.includes(member) !== true;
  }

  #current(nowUs: number): Built<M> {
    if (this.#built !== undefined && nowUs < this.#rebuildUs) return this.#built;
    const inherited = this.#inherited;
    this.#inherited = undefined;
    return inherited === undefined ? this.#rebuild(nowUs) : this.#takeOver(inherited, nowUs);
  }

  #rebuild(nowUs: number): Built<M> {
    // Members claim places one after another: in an order that is the same in every proxy.
    const members = this.members.toSorted(byKey);
    const weights = members.map((member) => member.weight);
    const built = { table: this.build(members), members, weights, atUs: nowUs };
    this.#built = built;
    this.#gone = undefined;
    this.#rebuildUs = Number.POSITIVE_INFINITY;
    return built;
  }

  #takeOver(before: Built<M>, nowUs: number): Built<M> {
    indexMembers(this.members);
    const gone = new Uint8Array(before.members.length);
    let here = 0;
    let isReweighted = false;
    let allWeight = 0;
    let weightHere = 0;
    for (let i = 0; i < gone.length; i++) {
      const member = before.members[i];
      const weight = before.weights[i] ?? 0;
      allWeight += weight;
      if (member === undefined || indexIn(this.members, member) < 0) {
        gone[i] = 1;
        continue;
      }
      here++;
      weightHere += weight;
      isReweighted ||= weight !== member.weight;
    }
    if (here === 0) return this.#rebuild(nowUs);
    const isStale = isReweighted || here < this.members.length || weightHere < allWeight / 2;
    const rebuildUs = before.atUs + before.table.size * rebuildUsPerPlace;
    if (isStale && nowUs >= rebuildUs) return this.#rebuild(nowUs);
    this.#built = before;
    this.#gone = here === before.members.length ? undefined : gone;
    this.#rebuildUs = isStale ? rebuildUs : Number.POSITIVE_INFINITY;
    return before;
  }
}

function byKey(a: BalancerMember, b: BalancerMember): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Sorts claims of members to places by a 32-bit number, and equal ones by the member. */
const ownerSpan = 2 ** 21;
/** Owners and numbers share the 53 bits that a double holds exactly. */
export const maxOwners = ownerSpan;

export function packClaim(order: number, owner: number): number {
  return order * ownerSpan + owner;
}

export function orderOfClaim(claim: number): number {
  return Math.floor(claim / ownerSpan);
}

export function ownerOfClaim(claim: number): number {
  return claim % ownerSpan;
}
