/** What becomes of the token that a request brings. */
import type { Hop, Outcome } from "../api/index.ts";
import { type AdmissionRequest, type Claims, firstQueryValue, type HttpFacts } from "../decide/index.ts";
import type { JwtAuthentication } from "../model/index.ts";
import { refusal } from "./hop-draft.ts";
import type { Scene } from "./scene.ts";

export interface TokenResult {
  readonly view: Hop["token"];
  readonly claims: Claims | undefined;
  readonly refused: Outcome | undefined;
  readonly depends: readonly string[];
}

export interface TokenQuestion {
  readonly asked: AdmissionRequest;
  /** Claims in the place of a token. */
  readonly given: Claims | undefined;
  readonly carries: "http" | "grpc" | "bytes";
}

export function judgeToken(
  scene: Scene,
  jwt: JwtAuthentication | undefined,
  { asked, given, carries }: TokenQuestion,
): TokenResult {
  const claims = asked.http === undefined ? undefined : given;
  if (jwt === undefined || (jwt.providers.length === 0 && !jwt.required)) {
    return { view: undefined, claims: undefined, refused: undefined, depends: [] };
  }
  const source = scene.source(jwt.requiredBy ?? jwt.providers[0]?.source);
  const common = { isRequired: jwt.required, ...(source === undefined ? {} : { source }) };
  if (claims !== undefined) {
    return { view: { state: "assumed", ...common }, claims, refused: undefined, depends: [] };
  }
  const place = asked.http && tokenPlace(jwt, asked.http);
  if (place !== undefined) {
    // Its signature can only be checked with the issuer's keys, by whoever may be let in by it.
    const detail = `${place} brings one; what it is worth is not judged here: give its claims to assume that it is valid`;
    return {
      view: { state: "unchecked", ...common, detail },
      claims: undefined,
      refused: undefined,
      depends: [`the token in ${place}`],
    };
  }
  if (!jwt.required) {
    return { view: { state: "absent", ...common }, claims: undefined, refused: undefined, depends: [] };
  }
  return {
    view: { state: "absent", ...common },
    claims: undefined,
    refused: refusal("jwt_missing", "no token", { carries, by: source }),
    depends: [],
  };
}

/** Where the request has what may be a token; undefined: nowhere. */
function tokenPlace({ providers }: JwtAuthentication, http: HttpFacts): string | undefined {
  const locations = providers.flatMap((provider) =>
    provider.locations.length > 0 ? provider.locations.map(({ place }) => place) : [authorization],
  );
  for (const { case: kind, value = "" } of locations) {
    if (kind === "header" && http.header(value) !== undefined) return `header ${value}`;
    if (kind === "queryParameter" && firstQueryValue(http.query, value) !== undefined) {
      return `query parameter ${value}`;
    }
    const cookies = kind === "cookie" ? (http.header("cookie")?.split(";") ?? []) : [];
    if (cookies.some((pair) => pair.trim().startsWith(`${value}=`))) return `cookie ${value}`;
  }
  return undefined;
}

const authorization = { case: "header", value: "authorization" } as const;
