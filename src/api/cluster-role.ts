/** ClusterRole: what may be done, in every namespace or, by a RoleBinding, in one. May be put together from others by their labels. */
import Type from "typebox";
import { defineKind } from "./kind-definition.ts";
import { clusterMetadata } from "./metadata.ts";
import { policyRulesSchema, rbacGroup, rbacName, rbacVersion, ruleIssues } from "./rbac.ts";
import { list, object, optional, text } from "./schema.ts";
import { labelSelectorSchema } from "./selector.ts";

const maxSelectors = 16;

export const clusterRoleKind = defineKind({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  singular: "clusterrole",
  namespaced: false,
  hasStatus: false,
  description:
    "What may be done with the API; a ClusterRoleBinding gives it everywhere, a RoleBinding in one namespace.",
  schema: object("What may be done.", {
    apiVersion: Type.Literal(rbacVersion),
    kind: Type.Literal("ClusterRole"),
    metadata: clusterMetadata(text("Name of the role.", rbacName)),
    rules: policyRulesSchema,
    aggregationRule: optional(
      object("Takes the rules of other ClusterRoles in the place of its own.", {
        clusterRoleSelectors: list("A role that any of them chooses is taken.", labelSelectorSchema, {
          min: 1,
          max: maxSelectors,
        }),
      }),
    ),
  }),
  columns: [
    { name: "Rules", description: "Number of rules of its own.", value: (role) => String(role.rules.length) },
    {
      name: "Aggregated",
      description: "It takes the rules of other roles.",
      value: (role) => (role.aggregationRule === undefined ? "" : "yes"),
    },
  ],
  check: ({ rules }) => ruleIssues(rules, true),
});
