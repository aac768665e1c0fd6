/** AuthenticationPolicy: how callers prove who they are, by certificate (mTLS) and by token (JWT). */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { dnsSubdomain } from "./formats.ts";
import { checkJwt, jwtSchema } from "./jwt-providers.ts";
import { defineKind } from "./kind-definition.ts";
import { checkMeasures } from "./measures.ts";
import { namespacedMetadata } from "./metadata.ts";
import { policyColumns, policyStatus } from "./policy-status.ts";
import { repeatedPorts } from "./port-list.ts";
import { list, object, oneOf, optional, port, text, type ValueOf } from "./schema.ts";
import { checkSecurityTargets, securityTargetFields, type SecurityTargetKind } from "./security-targets.ts";

const maxPorts = 64;

/** From the loosest to the tightest. */
export const mtlsModes = ["Disabled", "Permissive", "Strict"] as const;
export type MtlsModeName = (typeof mtlsModes)[number];

const modeText =
  "Strict: a verified certificate of the mesh or nothing. Permissive: plaintext comes in too. Disabled: callers do not encrypt.";

const specSchema = object("Targets, and how callers prove who they are there.", {
  ...securityTargetFields,
  mtls: optional(
    object(
      "Certificates. A level only tightens what farther ones say, unless the mesh says that it may loosen.",
      {
        mode: optional(oneOf(modeText, mtlsModes)),
        ports: optional(
          list(
            "Of policies with a selector: other modes for ports of the workload.",
            object("A port.", {
              port: port("That the application listens on."),
              mode: oneOf(modeText, mtlsModes),
            }),
            { min: 1, max: maxPorts },
          ),
        ),
      },
    ),
  ),
  jwt: optional(jwtSchema),
});
type AuthenticationSpec = ValueOf<typeof specSchema>;

export const authenticationPolicyKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "AuthenticationPolicy",
  plural: "authenticationpolicies",
  singular: "authenticationpolicy",
  shortNames: ["anp"],
  categories: ["weft"],
  namespaced: true,
  hasStatus: true,
  description:
    "How callers prove who they are: mTLS (strict by default) and tokens. Nearer policies only tighten what farther ones say.",
  schema: object("How callers prove who they are.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("AuthenticationPolicy"),
    metadata: namespacedMetadata(text("Name of the policy.", dnsSubdomain)),
    spec: specSchema,
    status: policyStatus,
  }),
  columns: [
    { name: "mTLS", description: "Mode of mTLS.", value: ({ spec }) => spec.mtls?.mode ?? "" },
    {
      name: "Issuers",
      description: "Whose tokens are taken.",
      isWide: true,
      value: ({ spec }) => (spec.jwt?.providers ?? []).map(({ issuer }) => issuer).join(","),
    },
    ...policyColumns,
  ],
  check({ spec, metadata }) {
    return [
      ...checkSecurityTargets(spec, metadata.namespace),
      ...checkMtls(spec),
      ...checkMeasures(specSchema, spec, "spec"),
      ...(spec.jwt === undefined ? [] : checkJwt(spec.jwt, "spec.jwt")),
    ];
  },
});

/** Where clients of gateways have no certificates of the mesh. */
const withoutMtls: readonly SecurityTargetKind[] = ["Gateway", "HTTPRoute", "GRPCRoute"];

function checkMtls({ mtls, jwt, targetRefs = [], selector }: AuthenticationSpec): Issue[] {
  if (mtls === undefined) {
    return jwt === undefined ? [{ path: "spec", message: "says nothing; it needs one of mtls, jwt" }] : [];
  }
  const issues: Issue[] = [];
  if (mtls.mode === undefined && mtls.ports === undefined) {
    issues.push({ path: "spec.mtls", message: "says nothing; it needs one of mode, ports" });
  }
  for (const [index, { kind, name }] of targetRefs.entries()) {
    if (!withoutMtls.includes(kind)) continue;
    const message = `has no meaning for ${kind} ${name} (spec.targetRefs[${index}]), whose clients are outside of the mesh`;
    issues.push({ path: "spec.mtls", message });
  }
  if (mtls.ports !== undefined && selector === undefined) {
    const message =
      "needs a selector: ports are those of workloads. Of a Service, name the port in sectionName";
    issues.push({ path: "spec.mtls.ports", message });
  }
  return [...issues, ...repeatedPorts(mtls.ports ?? [], "spec.mtls.ports")];
}
