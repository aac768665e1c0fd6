/** MeshConfig: what holds for the whole mesh. One object, named "mesh"; every field has a default. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { Prefix } from "../kernel/index.ts";
import { conditionsSchema } from "./conditions.ts";
import { parseDurationMs } from "./duration.ts";
import { cidr, duration, namespacedName, preciseHostname } from "./formats.ts";
import { checkLimits, limitsSchema } from "./limits.ts";
import { defineKind } from "./kind-definition.ts";
import { checkMeasures } from "./measures.ts";
import { checkRateLimits, rateLimitsSchema, securitySchema } from "./mesh-security.ts";
import { observabilitySchema } from "./mesh-observability.ts";
import { clusterMetadata } from "./metadata.ts";
import { flag, integer, list, object, oneOf, optional, text } from "./schema.ts";
import { checkTelemetry, meshTelemetrySchema } from "./telemetry-settings.ts";

export const meshConfigName = "mesh";
/** Every proxy compares each destination with these. */
const maxPrefixes = 16;
/** Groups of gateways that are run apart from each other. */
const maxGatewayAccounts = 64;
/** Longer than any deployment should wait for one proxy. */
const maxDurationMs = 86_400_000;
const maxLeaseSeconds = 3600;

export const meshConfigKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "MeshConfig",
  plural: "meshconfigs",
  singular: "meshconfig",
  shortNames: ["mc"],
  categories: ["weft"],
  namespaced: false,
  hasStatus: true,
  description: `What holds for the whole mesh. There is one, named "${meshConfigName}".`,
  schema: object("What holds for the whole mesh.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("MeshConfig"),
    metadata: clusterMetadata(Type.Literal(meshConfigName, { description: "Always mesh." })),
    spec: object(
      "Settings of the mesh.",
      {
        virtualIpCidrs: list(
          "Where virtual addresses of Services come from: one prefix for each address family.",
          text("A prefix.", cidr),
          { min: 1, max: maxPrefixes, unique: true, default: ["240.240.0.0/16", "fd77:6565:6674::/64"] },
        ),
        workloadCidrs: list(
          "Where addresses of workloads lie. Only addresses in these and in virtualIpCidrs are looked up.",
          text("A prefix.", cidr),
          { max: maxPrefixes, unique: true, default: ["10.77.0.0/16", "127.77.0.0/16", "fd77::/64"] },
        ),
        domainSuffix: text("Suffix of the names of Services.", preciseHostname, { default: "cluster.local" }),
        accessLog: flag("Proxies write one line for each request and connection.", { default: true }),
        outboundTraffic: oneOf(
          "What becomes of connections to addresses that the mesh does not know.",
          ["allow", "deny"],
          {
            default: "deny",
          },
        ),
        requestOverrides: oneOf(
          "What becomes of the header weft-override, by which a program says how its own request is carried, such as 'timeout=1500, try-timeout=300, retries=0'. Honour: its sidecar obeys. It never enters at a gateway.",
          ["Ignore", "Honour"],
          { default: "Ignore" },
        ),
        drainTimeout: text("How long a draining proxy waits for what is in flight.", duration, {
          default: "30s",
        }),
        discovery: object(
          "Destinations that a proxy learns on demand.",
          {
            timeout: text("The longest that a connection waits for its destination to be found.", duration, {
              default: "2s",
            }),
            idleTimeout: text("An unused destination is forgotten after this long.", duration, {
              default: "10m",
            }),
          },
          { default: {} },
        ),
        leaseSeconds: integer(
          "How long a workload counts as alive after its proxy was last heard of.",
          1,
          maxLeaseSeconds,
          {
            default: 5,
          },
        ),
        gatewayServiceAccounts: list(
          "Who may serve Gateways, and so is sent the private keys of their certificates.",
          text("namespace/name of a ServiceAccount.", namespacedName),
          { max: maxGatewayAccounts, unique: true, default: ["weft-system/gateway"] },
        ),
        limits: limitsSchema,
        security: securitySchema,
        rateLimits: rateLimitsSchema,
        telemetry: meshTelemetrySchema,
        observability: observabilitySchema,
      },
      { default: {} },
    ),
    status: optional(object("What the control plane found.", { conditions: optional(conditionsSchema) })),
  }),
  columns: [
    {
      name: "Virtual-IPs",
      description: "Where virtual addresses come from.",
      value: (mesh) => mesh.spec.virtualIpCidrs.join(","),
    },
    {
      name: "Outbound",
      description: "Connections to unknown addresses.",
      value: (mesh) => mesh.spec.outboundTraffic,
    },
    { name: "Lease", description: "Seconds.", isWide: true, value: (mesh) => `${mesh.spec.leaseSeconds}s` },
  ],
  check({ spec }) {
    const issues: Issue[] = [];
    for (const field of ["virtualIpCidrs", "workloadCidrs"] as const) {
      for (const [index, value] of spec[field].entries()) {
        if (Prefix.parse(value) === undefined) {
          issues.push({
            path: `spec.${field}[${index}]`,
            message: "must be a prefix without host bits, such as 10.0.0.0/8",
          });
        }
      }
    }
    const durations = {
      drainTimeout: spec.drainTimeout,
      "discovery.timeout": spec.discovery.timeout,
      "discovery.idleTimeout": spec.discovery.idleTimeout,
    };
    for (const [field, value] of Object.entries(durations)) {
      if ((parseDurationMs(value) ?? 0) > maxDurationMs)
        issues.push({ path: `spec.${field}`, message: "must not be longer than 24h" });
    }
    return [
      ...issues,
      ...checkLimits(spec.limits),
      ...checkMeasures(rateLimitsSchema, spec.rateLimits, "spec.rateLimits"),
      ...checkRateLimits(spec.rateLimits),
      ...checkTelemetry(spec.telemetry, "spec.telemetry"),
      ...checkMeasures(observabilitySchema, spec.observability, "spec.observability"),
    ];
  },
});
