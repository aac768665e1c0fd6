/**
 * TrafficPolicy: how requests reach endpoints. No field has a default here: what is absent was not said, and is left to a
 * farther policy or to the proxies.
 */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { dnsSubdomain } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { checkMeasures } from "./measures.ts";
import { namespacedMetadata } from "./metadata.ts";
import { policyColumns, policyStatus } from "./policy-status.ts";
import {
  checkTargets,
  type PolicyTargetReference,
  policyTargets,
  targetReferencesSchema,
} from "./policy-targets.ts";
import { object, optional, text, type ValueOf } from "./schema.ts";
import { checkTrafficSession, trafficSessionSchema } from "./traffic-session.ts";
import { balancingSchema, checkBalancing, checkLocality, localitySchema } from "./traffic-balancing.ts";
import { checkConnections, connectionsSchema } from "./traffic-connections.ts";
import {
  adaptiveConcurrencySchema,
  checkConcurrency,
  checkHealthCheck,
  checkOutlier,
  healthCheckSchema,
  outlierSchema,
} from "./traffic-health.ts";
import {
  checkRetries,
  checkTimeouts,
  hedgingSchema,
  retriesSchema,
  timeoutsSchema,
} from "./traffic-requests.ts";

const sections = {
  balancing: balancingSchema,
  locality: localitySchema,
  sessionPersistence: trafficSessionSchema,
  connections: connectionsSchema,
  timeouts: timeoutsSchema,
  retries: retriesSchema,
  hedging: hedgingSchema,
  outlierDetection: outlierSchema,
  healthCheck: healthCheckSchema,
  adaptiveConcurrency: adaptiveConcurrencySchema,
};
export type TrafficSection = keyof typeof sections;

/** Whether a section shapes a pool of endpoints, which no route has. */
export const trafficSections: Readonly<Record<TrafficSection, { readonly shapesPool: boolean }>> = {
  balancing: { shapesPool: true },
  locality: { shapesPool: true },
  sessionPersistence: { shapesPool: false },
  connections: { shapesPool: true },
  timeouts: { shapesPool: false },
  retries: { shapesPool: false },
  hedging: { shapesPool: false },
  outlierDetection: { shapesPool: true },
  healthCheck: { shapesPool: true },
  adaptiveConcurrency: { shapesPool: true },
};

const specSchema = object("Targets, and what holds for them.", {
  targetRefs: targetReferencesSchema,
  balancing: optional(sections.balancing),
  locality: optional(sections.locality),
  sessionPersistence: optional(sections.sessionPersistence),
  connections: optional(sections.connections),
  timeouts: optional(sections.timeouts),
  retries: optional(sections.retries),
  hedging: optional(sections.hedging),
  outlierDetection: optional(sections.outlierDetection),
  healthCheck: optional(sections.healthCheck),
  adaptiveConcurrency: optional(sections.adaptiveConcurrency),
});
type TrafficPolicySpec = ValueOf<typeof specSchema>;

export const trafficPolicyKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "TrafficPolicy",
  plural: "trafficpolicies",
  singular: "trafficpolicy",
  shortNames: ["tp"],
  categories: ["weft"],
  namespaced: true,
  hasStatus: true,
  description:
    "How requests reach endpoints: balancing, pools, timeouts, retries, health. The nearest policy wins, field by field.",
  schema: object("How requests reach endpoints.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("TrafficPolicy"),
    metadata: namespacedMetadata(text("Name of the policy.", dnsSubdomain)),
    spec: specSchema,
    status: policyStatus,
  }),
  columns: [
    ...policyColumns,
    {
      name: "Sections",
      description: "What it says something about.",
      isWide: true,
      value: (policy) => sectionsOf(policy.spec).join(","),
    },
  ],
  check({ spec, metadata }) {
    return [
      ...checkTargets(spec.targetRefs, metadata.namespace, policyTargets),
      ...checkPresence(spec),
      ...spec.targetRefs.flatMap((target, index) => checkMeaning(spec, target, index)),
      ...checkMeasures(specSchema, spec, "spec"),
      ...checkSections(spec),
    ];
  },
});

function sectionsOf(spec: TrafficPolicySpec): TrafficSection[] {
  return Object.keys(spec).filter(isSection);
}

function isSection(name: string): name is TrafficSection {
  return Object.hasOwn(sections, name);
}

function checkPresence(spec: TrafficPolicySpec): Issue[] {
  if (sectionsOf(spec).length > 0) return [];
  return [{ path: "spec", message: `says nothing; it needs one of ${Object.keys(sections).join(", ")}` }];
}

/** A pool belongs to a Service: it has endpoints, a route has none. */
function checkMeaning(spec: TrafficPolicySpec, target: PolicyTargetReference, index: number): Issue[] {
  if (policyTargets[target.kind].hasPool) return [];
  const because = `has no meaning for ${target.kind} ${target.name} (spec.targetRefs[${index}])`;
  const pools = sectionsOf(spec).filter((section) => trafficSections[section].shapesPool);
  const issues = pools.map((section) => ({
    path: `spec.${section}`,
    message: `${because}; endpoints belong to Services: aim it at a Service, the Namespace or the mesh`,
  }));
  if (spec.retries?.budget === undefined) return issues;
  return [...issues, { path: "spec.retries.budget", message: `${because}; a budget belongs to a Service` }];
}

function checkSections(spec: TrafficPolicySpec): Issue[] {
  return [
    ...(spec.balancing === undefined ? [] : checkBalancing(spec.balancing, "spec.balancing")),
    ...(spec.locality === undefined ? [] : checkLocality(spec.locality, "spec.locality")),
    ...(spec.sessionPersistence === undefined
      ? []
      : checkTrafficSession(spec.sessionPersistence, "spec.sessionPersistence")),
    ...(spec.connections === undefined ? [] : checkConnections(spec.connections, "spec.connections")),
    ...(spec.timeouts === undefined ? [] : checkTimeouts(spec.timeouts, "spec.timeouts")),
    ...(spec.retries === undefined ? [] : checkRetries(spec.retries, "spec.retries")),
    ...(spec.outlierDetection === undefined
      ? []
      : checkOutlier(spec.outlierDetection, "spec.outlierDetection")),
    ...(spec.healthCheck === undefined ? [] : checkHealthCheck(spec.healthCheck, "spec.healthCheck")),
    ...(spec.adaptiveConcurrency === undefined
      ? []
      : checkConcurrency(spec.adaptiveConcurrency, "spec.adaptiveConcurrency")),
  ];
}
