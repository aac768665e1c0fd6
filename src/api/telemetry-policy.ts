/** TelemetryPolicy: what is told of the traffic of some workloads, Gateways or routes, laid field by field over MeshConfig. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { dnsSubdomain, groupName, objectName } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { policyColumns, policyStatus } from "./policy-status.ts";
import { maxTargets, type PolicyTarget } from "./policy-targets.ts";
import { gatewayGroup } from "./references.ts";
import { list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { checkAim, type SecurityTargetKind, workloadSelector } from "./security-targets.ts";
import { checkTelemetry, telemetryFields } from "./telemetry-settings.ts";

/** The mesh's own settings are MeshConfig's. */
export type TelemetryTargetKind = Exclude<SecurityTargetKind, "MeshConfig">;

const atRoute = "proxies where the route holds: callers' sidecars under a Service, gateways under a Gateway";

/** From the farthest to the nearest. */
export const telemetryTargets: Readonly<Record<TelemetryTargetKind, Omit<PolicyTarget, "hasPool">>> = {
  Namespace: {
    group: "",
    section: undefined,
    description: "Every workload and every Gateway of the policy's own namespace.",
    enforcedBy: "the own proxies of the namespace's workloads, and the proxies that serve its Gateways",
  },
  Service: {
    group: "",
    section: undefined,
    description: "Every workload behind the Service: all of its traffic, in both directions.",
    enforcedBy: "the own proxies of the workloads behind the Service",
  },
  Gateway: {
    group: gatewayGroup,
    section: undefined,
    description: "The traffic of the Gateway.",
    enforcedBy: "the proxies that serve the Gateway",
  },
  HTTPRoute: {
    group: gatewayGroup,
    section: "rule",
    description: "The requests of the route, or of one named rule.",
    enforcedBy: atRoute,
  },
  GRPCRoute: {
    group: gatewayGroup,
    section: "rule",
    description: "The calls of the route, or of one named rule.",
    enforcedBy: atRoute,
  },
};

const specSchema = object("Targets, and what is told of their traffic.", {
  targetRefs: optional(
    list(
      "What the policy is for. Either this or selector.",
      object("A target, in the policy's own namespace.", {
        group: optional(text("API group of the target; the kind's own where absent.", groupName)),
        kind: oneOf("Kind of the target.", ["Namespace", "Service", "Gateway", "HTTPRoute", "GRPCRoute"]),
        name: text("Name of the target.", objectName),
        sectionName: optional(text("A route's rule, by name.", dnsSubdomain)),
      }),
      { min: 1, max: maxTargets },
    ),
  ),
  selector: workloadSelector,
  ...telemetryFields(undefined),
});
type TelemetrySpec = ValueOf<typeof specSchema>;

export const telemetryPolicyKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "TelemetryPolicy",
  plural: "telemetrypolicies",
  singular: "telemetrypolicy",
  shortNames: ["telp"],
  categories: ["weft"],
  namespaced: true,
  hasStatus: true,
  description:
    "What is told of traffic: labels of metrics, sampling of traces, access logs and their filters, what is hidden, and who takes it. The nearest policy wins, field by field; MeshConfig.spec.telemetry is the farthest.",
  schema: object("What is told of traffic.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("TelemetryPolicy"),
    metadata: namespacedMetadata(text("Name of the policy.", dnsSubdomain)),
    spec: specSchema,
    status: policyStatus,
  }),
  columns: [
    ...policyColumns,
    {
      name: "Says",
      description: "Which sections it has.",
      value: ({ spec }) => sectionsOf(spec).join(","),
    },
  ],
  check({ spec, metadata }) {
    return [
      ...checkAim(spec, metadata.namespace, telemetryTargets),
      ...(sectionsOf(spec).length > 0
        ? []
        : [
            {
              path: "spec",
              message: "must have one of metrics, tracing, accessLog, redaction, collectors",
            },
          ]),
      ...checkTelemetry(spec, "spec"),
      ...checkOfRoutes(spec),
    ];
  },
});

function sectionsOf({ metrics, tracing, accessLog, redaction, collectors }: TelemetrySpec): string[] {
  const sections = { metrics, tracing, accessLog, redaction, collectors };
  return Object.entries(sections).flatMap(([name, section]) => (section === undefined ? [] : [name]));
}

/** Collectors and the number of series are a whole proxy's; and proxies cannot tell a list that is empty from none. */
function checkOfRoutes(spec: TelemetrySpec): Issue[] {
  const { targetRefs = [], collectors, metrics, tracing, accessLog, redaction } = spec;
  const route = targetRefs.find(({ kind }) => kind === "HTTPRoute" || kind === "GRPCRoute");
  if (route === undefined) return [];
  const message =
    "is a whole proxy's and has no meaning at a route; say it in a policy of the Gateway or Namespace";
  const sections = Object.entries({ metrics, tracing, accessLog, redaction });
  return [
    ...(collectors === undefined ? [] : [{ path: "spec.collectors", message }]),
    ...(metrics?.maxSeries === undefined ? [] : [{ path: "spec.metrics.maxSeries", message }]),
    ...sections.flatMap(([section, settings = {}]) =>
      Object.entries(settings).flatMap(([field, value]) =>
        Array.isArray(value) && value.length === 0
          ? [{ path: `spec.${section}.${field}`, message: "has no meaning at a route where it is empty" }]
          : [],
      ),
    ),
  ];
}
