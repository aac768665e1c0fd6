/** What is asked of a request at one place, in the proxy's order: tokens, authorization, limits. */
import type { Hop, Outcome, PolicyView } from "../api/index.ts";
import type { AdmissionRequest, Claims } from "../decide/index.ts";
import { type Admission, AuthorizationLevel, RateLimitScope } from "../model/index.ts";
import { refusal } from "./hop-draft.ts";
import type { Scene } from "./scene.ts";
import { judgeToken } from "./token-step.ts";

export interface AdmissionResult extends Pick<Hop, "admission" | "limits"> {
  readonly token: Hop["token"];
  /** Undefined: let on, as far as can be told here. */
  readonly refused: Outcome | undefined;
  /** Set: only the moment can tell, and this is what it would be told by. */
  readonly depends: readonly string[];
  readonly request: AdmissionRequest;
}

const levels: Record<AuthorizationLevel, PolicyView["level"]> = {
  [AuthorizationLevel.UNSPECIFIED]: "unknown",
  [AuthorizationLevel.MESH]: "mesh",
  [AuthorizationLevel.NAMESPACE]: "namespace",
  [AuthorizationLevel.WORKLOAD]: "workload",
  [AuthorizationLevel.ROUTE]: "route",
};

/** One place after the other; what the first lets on the next is asked about. `given`: claims in the place of a token. */
export function askInTurn(
  scene: Scene,
  admissions: readonly (Admission | undefined)[],
  asked: AdmissionRequest,
  given: Claims | undefined,
): AdmissionResult {
  let result: AdmissionResult = {
    admission: [],
    limits: [],
    token: undefined,
    refused: undefined,
    depends: [],
    request: asked,
  };
  for (const admission of admissions) {
    if (admission === undefined || result.refused !== undefined) continue;
    const next = askAdmission(scene, admission, result.request, given);
    result = {
      ...next,
      admission: [...result.admission, ...next.admission],
      limits: [...result.limits, ...next.limits],
      token: next.token ?? result.token,
      depends: [...result.depends, ...next.depends],
    };
  }
  return result;
}

function askAdmission(
  scene: Scene,
  admission: Admission,
  asked: AdmissionRequest,
  given: Claims | undefined,
): AdmissionResult {
  const { http } = asked;
  const carries = http === undefined ? "bytes" : http.isGrpc ? "grpc" : "http";
  const tokens = judgeToken(scene, admission.jwt, { asked, given, carries });
  const request = { ...asked, claims: tokens.claims ?? asked.claims };
  const none: AdmissionResult = {
    admission: [],
    limits: [],
    token: tokens.view,
    refused: tokens.refused,
    depends: tokens.depends,
    request,
  };
  if (tokens.refused !== undefined) return none;
  const authorized = authorize(scene, admission, request, carries);
  const result = { ...none, ...authorized, depends: [...tokens.depends, ...authorized.depends] };
  if (authorized.refused !== undefined) {
    // What a rule says of claims cannot be told of a token that nobody has judged.
    const mayChange =
      tokens.depends.length > 0 &&
      admission.authorization !== undefined &&
      scene.authorization(admission.authorization).needsClaims;
    return mayChange ? { ...result, refused: undefined } : result;
  }
  return { ...result, limits: explainLimits(scene, admission, request) };
}

function authorize(
  scene: Scene,
  { authorization }: Admission,
  request: AdmissionRequest,
  carries: "http" | "grpc" | "bytes",
): Pick<AdmissionResult, "admission" | "refused" | "depends"> {
  if (authorization === undefined) return { admission: [], refused: undefined, depends: [] };
  const table = scene.authorization(authorization);
  const { verdict, policies } = table.explain(request);
  const admission = policies.map((policy): PolicyView => {
    const source = scene.source(policy.source);
    const match = policy.rules.find(({ isMatch }) => isMatch);
    const mismatch = policy.rules.map((rule) => `${rule.rule}: ${rule.mismatch}`).join("; ");
    return {
      ...(source === undefined ? {} : { source }),
      action: policy.action,
      level: levels[policy.level],
      isDryRun: policy.isDryRun,
      isMatch: policy.isMatch,
      ...(match === undefined ? {} : { rule: match.rule }),
      ...(policy.isMatch ? {} : { mismatch: policy.rules.length === 0 ? "it has no rules" : mismatch }),
    };
  });
  const asked = verdict.verdict === "ask" ? verdict.custom : [];
  const last = verdict.verdict === "ask" ? table.afterCustom(request, () => undefined) : verdict;
  const depends = asked.map(({ by, external }) =>
    external === undefined
      ? `${by.source.namespace}/${by.source.name} names no service that could be asked`
      : `what ${external.cluster || "its service"} says to AuthorizationPolicy ${by.source.namespace}/${by.source.name}${external.failsOpen ? " (no answer lets it on)" : ""}`,
  );
  const unasked = asked.find(({ external }) => external === undefined || external.unresolved !== "");
  if (unasked !== undefined && unasked.external?.failsOpen !== true) {
    const by = scene.source(unasked.by.source);
    const detail = unasked.external?.unresolved || "its policy names no service that could be asked";
    return { admission, refused: refusal("external_unavailable", detail, { carries, by }), depends: [] };
  }
  if (last.verdict === "allow") return { admission, refused: undefined, depends };
  const by = scene.source(last.by?.source);
  const rule = last.by?.rule ?? "";
  const detail =
    last.by === undefined
      ? "no allow policy matches"
      : rule === ""
        ? `no rule of the ${last.by.action} policy matches`
        : `${rule} of the ${last.by.action} policy matches`;
  return { admission, refused: refusal("authorization_denied", detail, { carries, by }), depends: [] };
}

const scopes: Record<RateLimitScope, Hop["limits"][number]["scope"]> = {
  [RateLimitScope.UNSPECIFIED]: "local",
  [RateLimitScope.LOCAL]: "local",
  [RateLimitScope.GLOBAL]: "global",
  [RateLimitScope.SERVICE]: "service",
};

function explainLimits(scene: Scene, { rateLimits }: Admission, request: AdmissionRequest): Hop["limits"] {
  return rateLimits.map((limit) => {
    const source = scene.source(limit.source);
    const plan = scene.plan(limit);
    const isCounted = plan.bucketId(request) !== undefined;
    const values = isCounted ? plan.keys.values(request) : [];
    const rate = isCounted && limit.scope !== RateLimitScope.SERVICE ? plan.rateOf(values) : undefined;
    return {
      ...(source === undefined ? {} : { source }),
      scope: scopes[limit.scope],
      isCounted,
      ...(isCounted
        ? { key: plan.keys.names.map((name, i) => `${name}=${values[i] ?? ""}`).join(", ") }
        : {}),
      ...(rate === undefined ? {} : { requests: rate.requests, periodMs: rate.periodMs, burst: rate.burst }),
      isDryRun: limit.dryRun,
    };
  });
}
