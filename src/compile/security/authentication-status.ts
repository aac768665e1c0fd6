/** What there is to say of an AuthenticationPolicy at a target: above all, what of it a farther one has shut. */
import { type MtlsModeName, mtlsModes } from "../../api/index.ts";
import type { InputReader } from "../inputs.ts";
import {
  effectiveMode,
  mergeTokens,
  type PreparedAuthentication,
  providerKey,
  tightest,
} from "./authentication.ts";
import { pathOf } from "../object-path.ts";
import { type AuthenticationInput, nameOf } from "./security-input.ts";
import { type Found, levels } from "./aimed-policies.ts";
import type { AimedAt, Findings } from "./findings.ts";

export function authenticationFindings(
  inputs: InputReader,
  policy: AuthenticationInput,
  aimed: AimedAt,
): Findings {
  const { mtls, jwt } = policy.spec;
  const modes = [...(mtls?.mode === undefined ? [] : [mtls.mode]), ...(mtls?.ports ?? [])];
  const lostModes = lostModesOf(inputs, policy, aimed);
  const lostProviders = lostProvidersOf(inputs, policy, aimed);
  const said = modes.length + (jwt?.providers.length ?? 0);
  const lost = [...lostModes, ...lostProviders];
  return {
    notes: [],
    lost,
    isAllLost: lost.length >= said && jwt?.required !== true,
    references: keySets(inputs, policy),
  };
}

interface Bound {
  readonly mode: MtlsModeName;
  readonly by: string;
}

function lostModesOf(inputs: InputReader, policy: AuthenticationInput, { farther, own }: AimedAt): string[] {
  const { mtls } = policy.spec;
  if (mtls === undefined || inputs.securitySettings().namespacesMayLoosen) return [];
  const others = inputs.security
    .authenticationAt({ spots: own === undefined ? farther : [...farther, own] })
    .filter(({ value }) => pathOf(value.policy) !== pathOf(policy));
  const bound = own?.level === levels.mesh ? boundOfMesh(others) : boundOf(others);
  const lost: string[] = [];
  if (mtls.mode !== undefined && isLooser(mtls.mode, bound.mode)) {
    lost.push(`mtls.mode ${mtls.mode} has no effect: ${bound.by} says ${bound.mode}`);
  }
  for (const { port, mode } of mtls.ports ?? []) {
    const ownBound = mtls.mode !== undefined && isLooser(bound.mode, mtls.mode);
    const { mode: least, by } = ownBound ? { mode: mtls.mode, by: "mtls.mode" } : bound;
    if (isLooser(mode, least)) lost.push(`mtls.ports ${port} ${mode} has no effect: ${by} says ${least}`);
  }
  return lost;
}

/** What farther policies, and others at the same target, leave open. */
function boundOf(others: readonly Found<PreparedAuthentication>[]): Bound {
  const said = others.flatMap(({ level, value: { policy } }) => {
    const mode = policy.spec.mtls?.mode;
    return mode === undefined ? [] : [{ level, value: mode, policy }];
  });
  const mode = effectiveMode(said, false);
  const sayer = said.find((each) => each.value === mode);
  return { mode, by: sayer === undefined ? "the mesh's default" : nameOf(sayer.policy) };
}

/** The mesh's own policies take the place of the default; only of each other the tightest holds. */
function boundOfMesh(others: readonly Found<PreparedAuthentication>[]): Bound {
  const said = others.flatMap(({ value: { policy } }) => policy.spec.mtls?.mode ?? []);
  return said.length === 0 ? { mode: "Disabled", by: "" } : { ...boundOf(others), mode: tightest(said) };
}

function isLooser(mode: MtlsModeName, than: MtlsModeName): boolean {
  return mtlsModes.indexOf(mode) < mtlsModes.indexOf(than);
}

function lostProvidersOf(
  inputs: InputReader,
  policy: AuthenticationInput,
  { farther, own }: AimedAt,
): string[] {
  const { jwt } = policy.spec;
  if (jwt === undefined) return [];
  const at = inputs.security.authenticationAt({ spots: own === undefined ? farther : [...farther, own] });
  // Of workloads that are chosen by labels, it is as if it were alone there.
  const said = own === undefined ? [...at, { level: levels.workload, value: { policy } }] : at;
  const { lost } = mergeTokens(said, inputs.securitySettings().namespacesMayLoosen, () => undefined);
  return jwt.providers.flatMap((provider) => {
    const by = lost.get(providerKey(policy, provider));
    return by === undefined
      ? []
      : [`jwt provider ${provider.name} has no effect: AuthenticationPolicy ${by} decides about tokens here`];
  });
}

function keySets(inputs: InputReader, { spec }: AuthenticationInput): Findings["references"] {
  const fetched = (spec.jwt?.providers ?? []).filter(({ jwksUri }) => jwksUri !== undefined);
  if (fetched.length === 0) return undefined;
  const problems = fetched.flatMap(({ name, jwksUri = "" }) => {
    const keySet = inputs.keySet(jwksUri);
    if (keySet === undefined) return [`keys of ${name} are not fetched yet: its tokens are refused`];
    if (keySet.document === undefined)
      return [`keys of ${name}: ${keySet.error ?? "none"}; its tokens are refused`];
    return keySet.error === undefined ? [] : [`keys of ${name} are old: ${keySet.error}`];
  });
  return { reason: "KeysNotFetched", problems };
}
