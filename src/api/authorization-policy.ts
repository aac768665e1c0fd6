/** AuthorizationPolicy: who may do what. It is enforced where requests arrive, so no client has a way around it. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { accessFields, checkAccess, checkPartNames, partName } from "./access-rules.ts";
import { anyText, dnsSubdomain, headerName, type TextFormat } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { checkMeasures, timeSpan } from "./measures.ts";
import { namespacedMetadata } from "./metadata.ts";
import { policyColumns, policyStatus } from "./policy-status.ts";
import { backendReferenceSchema, checkBackendPort } from "./references.ts";
import { flag, integer, list, object, oneOf, optional, text, textMap, type ValueOf } from "./schema.ts";
import { checkSecurityTargets, securityTargetFields } from "./security-targets.ts";

const maxRules = 128;
const maxHeaders = 64;
const maxContext = 64;
/** What a proxy keeps of each request that waits for an answer. */
const maxBodyBytes = 10_485_760;

const pathPrefix: TextFormat = {
  min: 1,
  max: 1024,
  pattern: "^/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$",
  expected: "a path such as /auth",
};

const customSchema = object("Of action Custom: the service that is asked.", {
  backendRef: backendReferenceSchema,
  protocol: oneOf(
    "What it speaks: GRPC is Envoy's ext_authz, HTTP lets a request go on with a status of 200.",
    ["GRPC", "HTTP"],
  ),
  timeout: timeSpan("How long an answer is waited for.", { min: "1ms", max: "1m" }, { default: "1s" }),
  failOpen: flag("No answer lets the request go on.", { default: false }),
  statusOnError: integer("Where no answer refuses a request: the status.", 400, 599, { default: 403 }),
  body: optional(
    object("The request's body is sent along.", {
      maxBytes: integer("So much of it.", 1, maxBodyBytes),
      allowPartial: flag("A longer one is sent as far as it goes; else it is answered with 413.", {
        default: false,
      }),
    }),
  ),
  headers: optional(
    list(
      "Headers of the request that are sent. Of GRPC all where absent; of HTTP beside host, method, path, content-length and authorization.",
      text("Name of a header.", headerName),
      { min: 1, max: maxHeaders, unique: true },
    ),
  ),
  answerHeaders: optional(
    list(
      "Of HTTP: headers of the answer that go to the application; all but the connection's own where absent.",
      text("Name of a header.", headerName),
      { min: 1, max: maxHeaders, unique: true },
    ),
  ),
  pathPrefix: optional(text("Of HTTP: stands before the request's path.", pathPrefix)),
  context: optional(
    textMap("Of GRPC: context_extensions of every question.", { min: 1, max: 256 }, anyText, maxContext),
  ),
});
type Custom = ValueOf<typeof customSchema>;

const specSchema = object("Targets, and what may be done there.", {
  ...securityTargetFields,
  action: oneOf(
    "What a matching rule means. Any Deny denies; then every Custom is asked; then, where there are Allows, one must match at each level. Audit decides nothing: what matches is logged and counted.",
    ["Allow", "Deny", "Custom", "Audit"],
    { default: "Allow" },
  ),
  mode: oneOf(
    "DryRun: what the policy would do is logged and counted, and not done.",
    ["Enforce", "DryRun"],
    {
      default: "Enforce",
    },
  ),
  rules: list(
    "The policy matches where any of them does. An Allow without rules allows nothing; a rule without fields matches everything.",
    object("A rule. From, to and when must all hold.", {
      name: optional(text("What logs and counters call it.", partName)),
      ...accessFields,
    }),
    { max: maxRules, default: [] },
  ),
  custom: optional(customSchema),
});
type AuthorizationSpec = ValueOf<typeof specSchema>;

export const authorizationPolicyKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "AuthorizationPolicy",
  plural: "authorizationpolicies",
  singular: "authorizationpolicy",
  shortNames: ["azp"],
  categories: ["weft"],
  namespaced: true,
  hasStatus: true,
  description:
    "Who may do what: allow, deny, ask somebody else, or only take note. Enforced where requests arrive. Nearer policies only tighten what farther ones allow.",
  schema: object("Who may do what.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("AuthorizationPolicy"),
    metadata: namespacedMetadata(text("Name of the policy.", dnsSubdomain)),
    spec: specSchema,
    status: policyStatus,
  }),
  columns: [
    { name: "Action", description: "What a match means.", value: ({ spec }) => spec.action },
    { name: "Mode", description: "Whether it is done.", value: ({ spec }) => spec.mode },
    ...policyColumns,
  ],
  check({ spec, metadata }) {
    return [
      ...checkSecurityTargets(spec, metadata.namespace),
      ...checkAction(spec),
      ...checkPartNames(spec.rules, "spec.rules"),
      ...spec.rules.flatMap((rule, index) => checkAccess(rule, `spec.rules[${index}]`)),
      ...checkMeasures(specSchema, spec, "spec"),
      ...(spec.custom === undefined ? [] : checkCustom(spec.custom)),
    ];
  },
});

function checkAction({ action, rules, custom }: AuthorizationSpec): Issue[] {
  const issues: Issue[] = [];
  if (action === "Custom" && custom === undefined) {
    issues.push({ path: "spec.custom", message: "is required where action is Custom" });
  }
  if (action !== "Custom" && custom !== undefined) {
    issues.push({ path: "spec.custom", message: `must be absent where action is ${action}` });
  }
  if (action !== "Allow" && rules.length === 0) {
    const message = `must have a rule: ${action} without rules does nothing; a rule without fields, {}, is about everything`;
    issues.push({ path: "spec.rules", message });
  }
  return issues;
}

const ofProtocol = { answerHeaders: "HTTP", pathPrefix: "HTTP", context: "GRPC" } as const;

function checkCustom(custom: Custom): Issue[] {
  const issues = checkBackendPort(custom.backendRef, "spec.custom.backendRef");
  for (const field of ["answerHeaders", "pathPrefix", "context"] as const) {
    if (custom[field] === undefined || custom.protocol === ofProtocol[field]) continue;
    issues.push({
      path: `spec.custom.${field}`,
      message: `has no meaning where protocol is ${custom.protocol}`,
    });
  }
  return issues;
}
