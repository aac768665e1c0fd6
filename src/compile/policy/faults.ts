/** Faults of the nearest FaultPolicy, in the form that proxies run. */
import { milliseconds } from "../../api/index.ts";
import type { FaultSchema } from "../../model/index.ts";
import { compileMatch } from "../route-match.ts";
import type { FaultInput, FaultPolicyInput } from "./policy-input.ts";
import { grpcCode } from "./request-policy.ts";
import type { InitOf } from "../resource.ts";

export type FaultContent = InitOf<typeof FaultSchema>;

/** Of a percentage. */
const perPercent = 10_000;

export function compileFaults(policy: FaultPolicyInput | undefined): FaultContent[] {
  return (policy?.spec.faults ?? []).map((fault, index) => {
    const { namespace, name } = policy?.metadata ?? { namespace: "", name: "" };
    const section = `faults[${index}]`;
    return {
      source: { kind: "FaultPolicy", namespace, name, section },
      ...conditionsOf(fault, `spec.${section}`, []),
      delayMs: milliseconds(fault.delay) ?? 0,
      outcome: outcomeOf(fault),
      bytesPerSecond: fault.bandwidth ?? 0,
    };
  });
}

/** Why the policy cannot be compiled: a pattern that is no RE2, a time that does not exist. */
export function faultProblem({ spec }: FaultPolicyInput): string | undefined {
  const invalid: string[] = [];
  for (const [index, fault] of spec.faults.entries()) conditionsOf(fault, `spec.faults[${index}]`, invalid);
  return invalid.length === 0 ? undefined : invalid.join("; ");
}

function conditionsOf(fault: FaultInput, field: string, invalid: string[]) {
  const expiresAtMs = Date.parse(fault.expiresAt);
  if (Number.isNaN(expiresAtMs))
    invalid.push(`${field}.expiresAt: "${fault.expiresAt}" is no day and time that exists`);
  return {
    matches: (fault.matches ?? []).map((match, index) =>
      compileMatch(match, `${field}.matches[${index}]`, invalid),
    ),
    perMillion: Math.round(fault.percentage * perPercent),
    optInHeader: fault.optInHeader?.toLowerCase() ?? "",
    // What is invalid is never in force.
    expiresAtMs: BigInt(Number.isNaN(expiresAtMs) ? 0 : expiresAtMs),
  };
}

function outcomeOf({ abort, reset }: FaultInput): NonNullable<FaultContent["outcome"]> {
  if (abort?.httpStatus !== undefined) return { case: "httpStatus", value: abort.httpStatus };
  if (abort?.grpcStatus !== undefined) return { case: "grpcStatus", value: grpcCode(abort.grpcStatus) };
  return reset === true ? { case: "reset", value: true } : { case: undefined };
}
