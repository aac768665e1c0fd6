/** FaultPolicy: trouble that is made on purpose, for a share of requests and for a limited time. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { dnsSubdomain, headerName, timestamp } from "./formats.ts";
import { checkMatch, faultMatchesSchema } from "./http-route-match.ts";
import { defineKind } from "./kind-definition.ts";
import { checkMeasures, timeSpan } from "./measures.ts";
import { namespacedMetadata } from "./metadata.ts";
import { policyColumns, policyStatus } from "./policy-status.ts";
import { checkTargets, policyTargets, targetReferencesSchema } from "./policy-targets.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { grpcStatusNames } from "./traffic-requests.ts";

/** Every request that the policy applies to is compared with each of them. */
const maxFaults = 16;
const maxBytesPerSecond = 1_000_000_000;

const faultSchema = object(
  "One kind of trouble. It comes to a request for which all conditions hold; the first fault that comes is the only one.",
  {
    percentage: Type.Number({
      description: "Share of the requests, in percent, with at most four digits behind the point.",
      minimum: 0,
      maximum: 100,
      default: 100,
    }),
    matches: optional(faultMatchesSchema),
    optInHeader: optional(
      text(
        "Only requests that carry this header, with any value. It reaches the application too.",
        headerName,
      ),
    ),
    expiresAt: text("From then on nothing happens any more.", timestamp),
    delay: optional(
      timeSpan("The request waits this long before it goes on, or before it is aborted.", {
        min: "1ms",
        max: "10m",
      }),
    ),
    abort: optional(
      object("The request is answered with an error by the proxy. Exactly one of the fields.", {
        httpStatus: optional(
          integer("Status of the answer; a gRPC call gets the status that gRPC maps it to.", 400, 599),
        ),
        grpcStatus: optional(
          oneOf(
            "Status of gRPC calls; other requests get the HTTP status that it stands for.",
            grpcStatusNames,
          ),
        ),
      }),
    ),
    reset: optional(flag("The client's stream or connection is reset. Only true.")),
    bandwidth: optional(
      integer("The response's body comes with so many bytes a second.", 1, maxBytesPerSecond),
    ),
  },
);
type FaultSpec = ValueOf<typeof faultSchema>;

const specSchema = object("Targets, and what happens to their requests.", {
  targetRefs: targetReferencesSchema,
  faults: list(
    "Kinds of trouble, tried in this order. Raw TCP connections take delay and reset of those without matches and optInHeader.",
    faultSchema,
    { min: 1, max: maxFaults },
  ),
});

export const faultPolicyKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "FaultPolicy",
  plural: "faultpolicies",
  singular: "faultpolicy",
  shortNames: ["fp"],
  categories: ["weft"],
  namespaced: true,
  hasStatus: true,
  description:
    "Trouble on purpose: delays, errors, resets and slow answers, for a share of requests and with an expiry. What it did is in the log and the metrics as fault_injected.",
  schema: object("Trouble that is made on purpose.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("FaultPolicy"),
    metadata: namespacedMetadata(text("Name of the policy.", dnsSubdomain)),
    spec: specSchema,
    status: policyStatus,
  }),
  columns: [
    ...policyColumns,
    {
      name: "Expires",
      description: "When its last fault ends.",
      value: (policy) =>
        policy.spec.faults
          .map(({ expiresAt }) => expiresAt)
          .toSorted((a, b) => Date.parse(a) - Date.parse(b))
          .at(-1) ?? "",
    },
  ],
  check({ spec, metadata }) {
    return [
      ...checkTargets(spec.targetRefs, metadata.namespace, policyTargets),
      ...checkMeasures(specSchema, spec, "spec"),
      ...spec.faults.flatMap((fault, index) => checkFault(fault, `spec.faults[${index}]`)),
    ];
  },
});

function checkFault(fault: FaultSpec, path: string): Issue[] {
  const { percentage, matches, delay, abort, reset, bandwidth, expiresAt } = fault;
  const issues: Issue[] = [];
  if (Math.abs(percentage * 10_000 - Math.round(percentage * 10_000)) > 1e-6) {
    issues.push({ path: `${path}.percentage`, message: "must have at most four digits behind the point" });
  }
  if (Number.isNaN(Date.parse(expiresAt)))
    issues.push({ path: `${path}.expiresAt`, message: "is no day and time that exists" });
  for (const [index, match] of (matches ?? []).entries())
    issues.push(...checkMatch(match, `${path}.matches[${index}]`));
  if (delay === undefined && abort === undefined && reset === undefined && bandwidth === undefined)
    issues.push({ path, message: "must have one of delay, abort, reset, bandwidth" });
  if (reset === false) issues.push({ path: `${path}.reset`, message: "must be true or absent" });
  if (abort !== undefined) {
    if (Object.keys(abort).length !== 1)
      issues.push({ path: `${path}.abort`, message: "must have exactly one of httpStatus, grpcStatus" });
    if (reset === true)
      issues.push({ path: `${path}.reset`, message: "must be absent where abort is given" });
  }
  if (bandwidth !== undefined && (abort !== undefined || reset === true)) {
    const message = "has no meaning beside abort or reset, which leave no response to slow down";
    issues.push({ path: `${path}.bandwidth`, message });
  }
  return issues;
}
