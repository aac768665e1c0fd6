/** What is kept of a request or connection that a policy did not let on, for whoever asks why. */
import { create } from "@bufbuild/protobuf";
import type { Source } from "../../model/index.ts";
import { reasons } from "../../kernel/index.ts";
import { RefusalSchema } from "../../wire/index.ts";
import type { FilterRefusal, PolicyDeed } from "../admission/filter.ts";
import type { PolicyNames } from "../observation/index.ts";
import { policyName } from "../telemetry/index.ts";
import type { AdmissionRun } from "./admission-run.ts";
import type { ServeContext } from "./context.ts";

/** Longer texts of a client's are cut: a refusal is kept for a while and sent on. */
const maxTextLength = 512;

export const noPolicy: PolicyNames = { policy: "", policyRule: "", policyVerdict: "" };

export function policyNames(deed: PolicyDeed | undefined, refusal: FilterRefusal | undefined): PolicyNames {
  // A refusal that is not the noted deed's has a policy and no rule of its own.
  const source: Source | undefined = refusal === undefined ? deed?.source : refusal.source;
  if (source === undefined) return noPolicy;
  const policy = policyName(source);
  const isIts = deed !== undefined && (deed.source === source || policyName(deed.source) === policy);
  const itsDeed = isIts ? deed : undefined;
  return {
    policy,
    policyRule: itsDeed?.rule || source.section,
    policyVerdict: itsDeed?.verdict ?? "",
  };
}

export function recordRefusal(
  context: ServeContext,
  run: AdmissionRun,
  refusal: FilterRefusal,
  requestId: string,
): void {
  const { caller, remoteAddress, http } = run.request;
  const { policy, policyRule } = policyNames(run.deed, refusal);
  context.refusals.add(
    create(RefusalSchema, {
      requestId,
      timeUnixMs: BigInt(Math.round(context.clock.nowMs())),
      reason: refusal.reason,
      policy,
      rule: policyRule,
      detail: refusal.detail,
      fix: refusal.hint ?? reasons[refusal.reason].hint,
      sourceIdentity: caller.identity,
      sourceAddress: caller.address,
      remoteAddress,
      service: caller.service,
      destination: caller.destination,
      port: caller.port,
      protocol: http === undefined ? "tcp" : "http",
      method: (http?.method ?? "").slice(0, maxTextLength),
      authority: (http?.authority ?? "").slice(0, maxTextLength),
      path: (http?.path ?? "").slice(0, maxTextLength),
    }),
  );
}

/** What the caller is told beside its class: nothing, unless the mesh explains itself. */
export function toldOf(context: ServeContext, { source }: FilterRefusal): string | undefined {
  if (context.agent.snapshot.mesh?.explainDenials !== true) return undefined;
  return source === undefined ? "no policy allows it" : policyName(source);
}
