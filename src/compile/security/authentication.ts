/**
 * What several AuthenticationPolicies say together. A nearer level only tightens what the farther ones say, so that no
 * namespace opens what the mesh has shut: a looser mode, another key for an issuer, or another issuer where tokens are
 * required has no effect, unless the mesh says that namespaces may loosen.
 */
import { milliseconds, type MtlsModeName, mtlsModes } from "../../api/index.ts";
import { type JwtAuthenticationSchema, type JwtProviderSchema, MtlsMode } from "../../model/index.ts";
import { pathOf } from "../object-path.ts";
import type { Prepared } from "../policy/policy-index.ts";
import type { InitOf } from "../resource.ts";
import { type AuthenticationInput, type JwtInput, sourceOf } from "./security-input.ts";

export interface PreparedAuthentication {
  readonly policy: AuthenticationInput;
}

export function prepareAuthentication(policy: AuthenticationInput): Prepared<PreparedAuthentication> {
  return { value: { policy } };
}

/** What one level says. The farthest first; within a level the older first. */
export interface Levelled<T> {
  /** Grows with nearness. */
  readonly level: number;
  readonly value: T;
}

const defaultMode: MtlsModeName = "Strict";

/** Of one level the tightest; of several levels the tightest, or the nearest where they may loosen. */
export function effectiveMode(said: readonly Levelled<MtlsModeName>[], mayLoosen: boolean): MtlsModeName {
  let mode: MtlsModeName | undefined;
  for (const level of [...new Set(said.map((each) => each.level))].toSorted((a, b) => a - b)) {
    const own = tightest(said.filter((each) => each.level === level).map(({ value }) => value));
    // What the mesh itself says takes the place of the default, in either direction.
    const isOfMesh = level === meshLevel;
    mode = mayLoosen || isOfMesh ? own : tightest([mode ?? defaultMode, own]);
  }
  return mode ?? defaultMode;
}

const meshLevel = 1;

export function tightest(modes: readonly MtlsModeName[]): MtlsModeName {
  return modes.reduce((a, b) => (mtlsModes.indexOf(a) > mtlsModes.indexOf(b) ? a : b), "Disabled");
}

export const modelModes: Readonly<Record<MtlsModeName, MtlsMode>> = {
  Strict: MtlsMode.STRICT,
  Permissive: MtlsMode.PERMISSIVE,
  Disabled: MtlsMode.DISABLED,
};

type Provider = JwtInput["providers"][number];
type ProviderContent = InitOf<typeof JwtProviderSchema>;

interface Tokens {
  readonly jwt: InitOf<typeof JwtAuthenticationSchema> | undefined;
  /** Providers that have no effect, by `providerKey`, and whose word stands. */
  readonly lost: ReadonlyMap<string, string>;
}

export function providerKey(policy: AuthenticationInput, provider: Pick<Provider, "name">): string {
  return `${pathOf(policy)} ${provider.name}`;
}

/** `keysAt`: what was fetched from an address; undefined: nothing yet. */
export function mergeTokens(
  said: readonly Levelled<PreparedAuthentication>[],
  mayLoosen: boolean,
  keysAt: (uri: string) => string | undefined,
): Tokens {
  const byIssuer = new Map<string, { policy: AuthenticationInput; provider: Provider }>();
  const lost = new Map<string, string>();
  let requiredBy: Levelled<AuthenticationInput> | undefined;
  for (const { level, value } of said) {
    const { policy } = value;
    const { jwt } = policy.spec;
    if (jwt === undefined) continue;
    for (const provider of jwt.providers) {
      const before = byIssuer.get(provider.issuer);
      const isShut = requiredBy !== undefined && requiredBy.level < level && !mayLoosen;
      const stands = before?.policy ?? (isShut ? requiredBy?.value : undefined);
      if (stands !== undefined && !(mayLoosen && isFarther(said, stands, level))) {
        lost.set(providerKey(policy, provider), pathOf(stands));
        continue;
      }
      byIssuer.set(provider.issuer, { policy, provider });
    }
    if (jwt.required && requiredBy === undefined) requiredBy = { level, value: policy };
  }
  const providers = [...byIssuer.values()].map(({ policy, provider }) =>
    compileProvider(policy, provider, keysAt),
  );
  if (providers.length === 0) return { jwt: undefined, lost };
  return {
    jwt: {
      providers,
      required: requiredBy !== undefined,
      ...(requiredBy === undefined ? {} : { requiredBy: sourceOf(requiredBy.value, "jwt") }),
    },
    lost,
  };
}

function isFarther(
  said: readonly Levelled<PreparedAuthentication>[],
  policy: AuthenticationInput,
  level: number,
): boolean {
  return said.some((each) => each.value.policy === policy && each.level < level);
}

const bearer = { place: { case: "header", value: "authorization" }, prefix: "Bearer " } as const;

function compileProvider(
  policy: AuthenticationInput,
  provider: Provider,
  keysAt: (uri: string) => string | undefined,
): ProviderContent {
  const { jwks, jwksUri, locations, claimHeaders = [] } = provider;
  return {
    source: sourceOf(policy, provider.name),
    name: provider.name,
    issuer: provider.issuer,
    audiences: [...(provider.audiences ?? [])],
    jwks: jwks ?? (jwksUri === undefined ? "" : (keysAt(jwksUri) ?? "")),
    algorithms: [...provider.algorithms],
    clockSkewSeconds: seconds(provider.clockSkew),
    locations: locations === undefined ? [bearer] : locations.map(compileLocation),
    claimHeaders: claimHeaders.map(({ header, claim }) => ({
      header: header.toLowerCase(),
      claim: [...claim],
    })),
    payloadHeader: provider.payloadHeader?.toLowerCase() ?? "",
    forwardsToken: provider.forwardToken,
    maxAgeSeconds: seconds(provider.maxAge),
  };
}

function compileLocation({
  header,
  prefix,
  queryParameter,
  cookie,
}: NonNullable<Provider["locations"]>[number]): NonNullable<ProviderContent["locations"]>[number] {
  if (header !== undefined) {
    return { place: { case: "header", value: header.toLowerCase() }, prefix: prefix ?? "" };
  }
  return queryParameter === undefined
    ? { place: { case: "cookie", value: cookie ?? "" } }
    : { place: { case: "queryParameter", value: queryParameter } };
}

function seconds(duration: string | undefined): number {
  return Math.ceil((milliseconds(duration) ?? 0) / 1000);
}
