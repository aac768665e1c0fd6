/** ClusterRoleBinding: gives a role's rules in every namespace and on what lives in none. */
import Type from "typebox";
import { defineKind } from "./kind-definition.ts";
import { clusterMetadata } from "./metadata.ts";
import {
  bindingTraits,
  clusterRoleRefSchema,
  rbacGroup,
  rbacName,
  rbacVersion,
  subjectsSchema,
} from "./rbac.ts";
import { object, text } from "./schema.ts";

export const clusterRoleBindingKind = defineKind({
  group: rbacGroup,
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  singular: "clusterrolebinding",
  namespaced: false,
  hasStatus: false,
  description: "Gives the rules of a ClusterRole to users, groups and service accounts, everywhere.",
  schema: object("Gives the rules of a ClusterRole to users, groups and service accounts, everywhere.", {
    apiVersion: Type.Literal(rbacVersion),
    kind: Type.Literal("ClusterRoleBinding"),
    metadata: clusterMetadata(text("Name of the binding.", rbacName)),
    subjects: subjectsSchema,
    roleRef: clusterRoleRefSchema,
  }),
  ...bindingTraits,
});
