/** Which rules of routes and policies the tests' requests came to, and which none did. */
import type { Explanation, SourceRef, Stored } from "../../api/index.ts";

export interface CoverageReport {
  readonly covered: number;
  readonly total: number;
  /** `HTTPRoute shop/reviews rules[1]`, sorted. */
  readonly missing: readonly string[];
}

export class Coverage {
  readonly #all: ReadonlySet<string>;
  readonly #hit = new Set<string>();

  constructor(objects: Iterable<Stored>) {
    this.#all = new Set([...objects].flatMap(placesOf));
  }

  add({ hops }: Explanation): void {
    for (const { route, admission, limits, faults } of hops) {
      if (route?.source !== undefined) this.#take(placeText(route.source));
      for (const { source, isMatch, rule } of admission) {
        if (source !== undefined && isMatch) this.#take(placeText({ ...source, section: rule ?? "" }));
      }
      for (const { source, isCounted } of limits) {
        if (source !== undefined && isCounted) this.#take(placeText(source));
      }
      for (const { source, happens } of faults) if (happens) this.#take(source);
    }
  }

  get report(): CoverageReport {
    const missing = [...this.#all].filter((place) => !this.#hit.has(place)).toSorted();
    return { covered: this.#all.size - missing.length, total: this.#all.size, missing };
  }

  #take(place: string): void {
    if (this.#all.has(place)) this.#hit.add(place);
  }
}

function placesOf(object: Stored): string[] {
  const { kind, metadata } = object;
  const path = `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
  const named = (parts: readonly { readonly name?: string }[], list: string): string[] =>
    parts.map(({ name }, index) => `${path} ${name ?? `${list}[${index}]`}`);
  switch (object.kind) {
    case "HTTPRoute":
    case "GRPCRoute":
    case "TCPRoute":
    case "TLSRoute":
      return named(object.spec.rules ?? [], "rules");
    case "AuthorizationPolicy":
      return named(object.spec.rules, "rules");
    case "RateLimitPolicy":
      return named(object.spec.limits, "limits");
    case "FaultPolicy":
      return object.spec.faults.map((_, index) => `${path} faults[${index}]`);
    default:
      return [];
  }
}

function placeText({ kind, namespace, name, section }: SourceRef): string {
  return `${kind} ${namespace}/${name} ${section}`;
}
