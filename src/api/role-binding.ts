/** RoleBinding: gives a role's rules in one namespace. */
import Type from "typebox";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import {
  rbacGroup,
  rbacName,
  rbacVersion,
  roleRefIssues,
  roleRefSchema,
  subjectIssues,
  subjectsSchema,
  subjectText,
} from "./rbac.ts";
import { object, text } from "./schema.ts";

export const roleBindingKind = defineKind({
  group: rbacGroup,
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  singular: "rolebinding",
  namespaced: true,
  hasStatus: false,
  description:
    "Gives the rules of a Role or ClusterRole to users, groups and service accounts, in one namespace.",
  schema: object(
    "Gives the rules of a Role or ClusterRole to users, groups and service accounts, in one namespace.",
    {
      apiVersion: Type.Literal(rbacVersion),
      kind: Type.Literal("RoleBinding"),
      metadata: namespacedMetadata(text("Name of the binding.", rbacName)),
      subjects: subjectsSchema,
      roleRef: roleRefSchema,
    },
  ),
  columns: [
    {
      name: "Role",
      description: "What is given.",
      value: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`,
    },
    { name: "Subjects", description: "To whom.", value: ({ subjects }) => subjectText(subjects) },
  ],
  check: ({ subjects }) => subjectIssues(subjects),
  checkChange: (before, after) => roleRefIssues(before.roleRef, after.roleRef),
});
