/** Role: what may be done in one namespace. Allows nothing by itself; a RoleBinding says to whom. */
import Type from "typebox";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { policyRulesSchema, rbacGroup, rbacName, rbacVersion, ruleIssues } from "./rbac.ts";
import { object, text } from "./schema.ts";

export const roleKind = defineKind({
  group: rbacGroup,
  version: "v1",
  kind: "Role",
  plural: "roles",
  singular: "role",
  namespaced: true,
  hasStatus: false,
  description: "What may be done with the API in one namespace; a RoleBinding says by whom.",
  schema: object("What may be done in one namespace.", {
    apiVersion: Type.Literal(rbacVersion),
    kind: Type.Literal("Role"),
    metadata: namespacedMetadata(text("Name of the role.", rbacName)),
    rules: policyRulesSchema,
  }),
  columns: [{ name: "Rules", description: "Number of rules.", value: (role) => String(role.rules.length) }],
  check: ({ rules }) => ruleIssues(rules, false),
});
