/** The configuration of one place, made ready once: where tokens are looked for, whose they may be, what clients may not say. */
import type { JwtAuthentication, JwtProvider, Source } from "../../../model/index.ts";
import type { HeaderLine } from "../../../http1/index.ts";
import { removableLine } from "../settable-field.ts";
import { namesOf } from "./claim-headers.ts";
import type { JwtVerifiers } from "./jwt-verifiers.ts";
import { headerPlace, placeKey, placeOf, type TokenPlace } from "./token-places.ts";
import type { TokenVerifier } from "./token-verifier.ts";

export interface PreparedProvider {
  readonly model: JwtProvider;
  readonly verifier: TokenVerifier;
}

export interface PreparedPlace {
  readonly place: TokenPlace;
  /** That take tokens from here. */
  readonly providers: readonly PreparedProvider[];
}

export interface PreparedAuthentication {
  readonly isRequired: boolean;
  /** For a refusal that no provider decided. */
  readonly source: Source | undefined;
  /** In the order of the providers, then of their locations; each once. */
  readonly places: readonly PreparedPlace[];
  readonly byIssuer: ReadonlyMap<string, PreparedProvider>;
  /** Take away the fields that a provider may set: what clients send in them goes no further. */
  readonly ownFields: readonly HeaderLine[];
}

const authorizationHeader = headerPlace("authorization", "bearer", true);

export function prepare(model: JwtAuthentication, verifiers: JwtVerifiers): PreparedAuthentication {
  const places = new Map<string, { readonly place: TokenPlace; readonly providers: PreparedProvider[] }>();
  const byIssuer = new Map<string, PreparedProvider>();
  const ownNames = new Set<string>();
  for (const provider of model.providers) {
    const prepared = { model: provider, verifier: verifiers.of(provider) };
    byIssuer.set(provider.issuer, prepared);
    for (const name of namesOf(provider)) ownNames.add(name);
    for (const place of placesOf(provider)) {
      const key = placeKey(place);
      const entry = places.get(key) ?? { place, providers: [] };
      places.set(key, entry);
      if (!entry.providers.includes(prepared)) entry.providers.push(prepared);
    }
  }
  return {
    isRequired: model.required,
    source: model.requiredBy ?? model.providers[0]?.source,
    places: [...places.values()],
    byIssuer,
    ownFields: [...ownNames].flatMap((name) => removableLine(name) ?? []),
  };
}

function placesOf({ locations }: JwtProvider): readonly TokenPlace[] {
  const places = locations.flatMap((location) => placeOf(location) ?? []);
  return places.length === 0 ? [authorizationHeader] : places;
}
