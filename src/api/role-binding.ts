/** RoleBinding: gives a role's rules in one namespace. */
import Type from "typebox";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { bindingTraits, roleRefSchema, rbacGroup, rbacName, rbacVersion, subjectsSchema } from "./rbac.ts";
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
  ...bindingTraits,
});
