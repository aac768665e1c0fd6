/** One list of a caller or operation, or one expression: the smallest thing that holds or does not, and says why. */
import type { PathHeads } from "./path-head.ts";
import type { RequestFacts } from "./request-facts.ts";
import { type Membership, negate, type Truth } from "./truth.ts";

/** What must be there, or worked out, before a condition can be told. */
export interface Needs {
  /** Differs from request to request of a connection. */
  readonly http: boolean;
  /** Of the request the method, and nothing of the caller: the same for whoever sends that method. */
  readonly methodAlone: boolean;
  readonly claims: boolean;
  readonly path: boolean;
}

export const needsNothing: Needs = { http: false, methodAlone: false, claims: false, path: false };
export const needsMethod: Needs = { ...needsNothing, http: true, methodAlone: true };
export const needsHttp: Needs = { ...needsNothing, http: true };
export const needsPath: Needs = { ...needsHttp, path: true };
export const needsClaims: Needs = { ...needsHttp, claims: true };

export interface Condition {
  /** As in the policy: "methods", "notHosts", "when[0]". */
  readonly field: string;
  readonly needs: Needs;
  /** It is the same for all requests whose path has one reading that begins with none of these; undefined: it is not. */
  readonly pathHeads: PathHeads;
  holds(facts: RequestFacts): Truth;
  /** Why it does not, for the operator. */
  explain(facts: RequestFacts): string;
}

export interface ListField {
  readonly name: string;
  readonly needs: Needs;
  /** What is compared, for explanations; empty: there is none. Never a secret. */
  readonly show: (facts: RequestFacts) => string;
}

/** Is what the request has one of the entries? */
export type MembershipTest = (facts: RequestFacts) => Membership;

/** Of a list of patterns and, beside it, the same list negated; empty lists say nothing. */
export class ListConditions<Entry> {
  readonly #field: ListField;
  readonly #prepare: (entries: readonly Entry[]) => MembershipTest;
  readonly #pathHeads: (entries: readonly Entry[]) => PathHeads;

  constructor(
    field: ListField,
    prepare: (entries: readonly Entry[]) => MembershipTest,
    pathHeads: (entries: readonly Entry[]) => PathHeads = () => undefined,
  ) {
    this.#field = field;
    this.#prepare = prepare;
    this.#pathHeads = pathHeads;
  }

  addTo(conditions: Condition[], entries: readonly Entry[], notEntries: readonly Entry[]): void {
    const prepare = (of: readonly Entry[]): PreparedList => ({
      field: this.#field,
      test: this.#prepare(of),
      pathHeads: this.#pathHeads(of),
    });
    if (entries.length > 0) conditions.push(new OneOf(prepare(entries), entries.map(textOf)));
    if (notEntries.length > 0) conditions.push(new NoneOf(prepare(notEntries)));
  }
}

interface PreparedList {
  readonly field: ListField;
  readonly test: MembershipTest;
  readonly pathHeads: PathHeads;
}

class OneOf implements Condition {
  readonly field: string;
  readonly needs: Needs;
  readonly pathHeads: PathHeads;
  readonly #show: ListField["show"];
  readonly #test: MembershipTest;
  readonly #entries: readonly string[];

  constructor({ field, test, pathHeads }: PreparedList, entries: readonly string[]) {
    this.field = field.name;
    this.needs = field.needs;
    this.pathHeads = pathHeads;
    this.#show = field.show;
    this.#test = test;
    this.#entries = entries;
  }

  holds(facts: RequestFacts): Truth {
    const membership = this.#test(facts);
    return membership === "absent" ? "no" : membership;
  }

  explain(facts: RequestFacts): string {
    const shown = this.#show(facts);
    const few = this.#entries.slice(0, 5).join(", ");
    const more = this.#entries.length > 5 ? ` and ${this.#entries.length - 5} more` : "";
    if (this.#test(facts) === "unknown")
      return `${shown === "" ? "it" : shown} cannot be told from ${few}${more}`;
    return `${shown === "" ? "there is none" : shown}, wanted is ${few}${more}`;
  }
}

class NoneOf implements Condition {
  readonly field: string;
  readonly needs: Needs;
  readonly pathHeads: PathHeads;
  readonly #show: ListField["show"];
  readonly #test: MembershipTest;

  constructor({ field: { name, needs, show }, test, pathHeads }: PreparedList) {
    this.field = `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    this.needs = needs;
    this.pathHeads = pathHeads;
    this.#show = show;
    this.#test = test;
  }

  holds(facts: RequestFacts): Truth {
    return negate(this.#test(facts));
  }

  explain(facts: RequestFacts): string {
    const shown = this.#show(facts);
    return shown === "" ? "there is nothing to compare, so it cannot be told" : `${shown} is excluded`;
  }
}

function textOf(entry: unknown): string {
  if (typeof entry === "string") return entry;
  if (typeof entry === "number") return String(entry);
  return isNamed(entry) ? entry.name : "";
}

function isNamed(entry: unknown): entry is { readonly name: string } {
  return typeof entry === "object" && entry !== null && "name" in entry && typeof entry.name === "string";
}
