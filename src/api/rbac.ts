/**
 * What roles and bindings have in common, in the shape of Kubernetes' rbac.authorization.k8s.io/v1: rules that only ever
 * allow, subjects that a binding gives them to, and the reference from the one to the other.
 */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { dnsLabel, type TextFormat } from "./formats.ts";
import { list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

export const rbacGroup = "rbac.authorization.k8s.io";
export const rbacVersion = "rbac.authorization.k8s.io/v1";

/** Kubernetes sets no number; these are far above use and bound the work of one decision. */
const maxRules = 256;
const maxNames = 256;
const maxSubjects = 1024;

/** Kubernetes allows what may stand in a path: `system:masters` is a name. */
export const rbacName: TextFormat = {
  min: 1,
  max: 253,
  pattern: "^(?!\\.{1,2}$)[^/%\\u0000-\\u0020]+$",
  expected: "a name without '/', '%' and spaces, such as shop-editors",
};
const verb: TextFormat = {
  min: 1,
  max: 63,
  pattern: "^(\\*|[a-z][a-z-]*)$",
  expected: "a verb such as get, or *",
};
const resource: TextFormat = {
  min: 1,
  max: 127,
  pattern: "^(\\*|[a-z][-a-z0-9]*)(/(\\*|[a-z][-a-z0-9]*))?$",
  expected: "a plural such as httproutes, with a subresource such as httproutes/status, or *",
};
const group: TextFormat = {
  min: 0,
  max: 253,
  pattern: "^(\\*|[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$",
  expected: 'an API group such as gateway.networking.k8s.io, "" for the core group, or *',
};
const nonResourceUrl: TextFormat = {
  min: 1,
  max: 1024,
  pattern: "^(\\*|/[^*]*\\*?)$",
  expected: "a path such as /metrics, or one that ends in * such as /auth/*",
};

const policyRuleSchema = object("Allows verbs on resources, or on paths that are no resources.", {
  verbs: list(
    "get, list, watch, create, update, patch, delete, deletecollection, or *.",
    text("A verb.", verb),
    {
      min: 1,
      max: 32,
    },
  ),
  apiGroups: optional(
    list('Groups of the resources; "" is the core group, * is every group.', text("A group.", group), {
      max: maxNames,
    }),
  ),
  resources: optional(
    list(
      "Plurals of kinds, with /SUBRESOURCE for a part; * is every one, */status the status of every one.",
      text("A resource.", resource),
      { max: maxNames },
    ),
  ),
  resourceNames: optional(
    list("Only objects of these names; without any: all.", text("A name.", { min: 1, max: 2048 }), {
      max: maxNames,
    }),
  ),
  nonResourceURLs: optional(
    list("Paths; cluster roles only. * at the end is any rest.", text("A path.", nonResourceUrl), {
      max: maxNames,
    }),
  ),
});
export type PolicyRule = ValueOf<typeof policyRuleSchema>;

export const policyRulesSchema = list(
  "What the role allows; nothing where there are none.",
  policyRuleSchema,
  {
    max: maxRules,
    default: [],
  },
);

const subjectSchema = object("Who gets the role.", {
  kind: oneOf("What the name is.", ["User", "Group", "ServiceAccount"]),
  apiGroup: optional(
    text("rbac.authorization.k8s.io for users and groups, empty for service accounts.", group),
  ),
  name: text("Its name.", { min: 1, max: 2048 }),
  namespace: optional(text("Of a service account.", dnsLabel)),
});
export type RbacSubject = ValueOf<typeof subjectSchema>;

export const subjectsSchema = optional(list("Who gets the role.", subjectSchema, { max: maxSubjects }));

const roleRefFields = {
  apiGroup: Type.Literal(rbacGroup, { default: rbacGroup, description: "The group of roles." }),
  name: text("Its name.", rbacName),
};
export const roleRefSchema = object("The role. Cannot be changed.", {
  ...roleRefFields,
  kind: oneOf("Role (of the same namespace) or ClusterRole.", ["Role", "ClusterRole"]),
});
export const clusterRoleRefSchema = object("The role. Cannot be changed.", {
  ...roleRefFields,
  kind: oneOf("Always ClusterRole.", ["ClusterRole"]),
});
export type RoleRef = ValueOf<typeof roleRefSchema>;

/** A rule is about resources or about paths, and names all that it needs to mean anything. */
export function ruleIssues(rules: readonly PolicyRule[], mayHavePaths: boolean): Issue[] {
  return rules.flatMap((rule, index) => {
    const path = `rules[${index}]`;
    const isEmpty = (names: readonly string[] | undefined): boolean => (names ?? []).length === 0;
    if (!isEmpty(rule.nonResourceURLs)) {
      if (!mayHavePaths)
        return [{ path: `${path}.nonResourceURLs`, message: "only a ClusterRole can allow paths" }];
      const isMixed = !isEmpty(rule.resources) || !isEmpty(rule.apiGroups) || !isEmpty(rule.resourceNames);
      return isMixed ? [{ path, message: "must be about resources or about paths, not both" }] : [];
    }
    const issues: Issue[] = [];
    if (isEmpty(rule.apiGroups))
      issues.push({ path: `${path}.apiGroups`, message: "is required with resources" });
    if (isEmpty(rule.resources)) issues.push({ path: `${path}.resources`, message: "is required" });
    return issues;
  });
}

function subjectIssues(subjects: readonly RbacSubject[] | undefined): Issue[] {
  return (subjects ?? []).flatMap((subject, index) => {
    const path = `subjects[${index}]`;
    const isAccount = subject.kind === "ServiceAccount";
    const groups = isAccount ? [undefined, ""] : [undefined, rbacGroup];
    const issues: Issue[] = [];
    if (!groups.includes(subject.apiGroup)) {
      issues.push({
        path: `${path}.apiGroup`,
        message: `must be ${isAccount ? "empty" : rbacGroup} for a ${subject.kind}`,
      });
    }
    if (isAccount && subject.namespace === undefined) {
      issues.push({ path: `${path}.namespace`, message: "is required for a ServiceAccount" });
    }
    if (!isAccount && subject.namespace !== undefined) {
      issues.push({ path: `${path}.namespace`, message: `must be absent for a ${subject.kind}` });
    }
    return issues;
  });
}

function roleRefIssues(before: RoleRef, after: RoleRef): Issue[] {
  if (before.kind === after.kind && before.name === after.name) return [];
  return [{ path: "roleRef", message: "cannot be changed; delete the binding and make another" }];
}

function subjectText(subjects: readonly RbacSubject[] | undefined): string {
  return (subjects ?? [])
    .map(({ kind, namespace, name }) => `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`)
    .join(", ");
}

interface Binding {
  readonly subjects?: readonly RbacSubject[] | undefined;
  readonly roleRef: RoleRef;
}

/** What both kinds of binding show and check. */
export const bindingTraits = {
  columns: [
    {
      name: "Role",
      description: "What is given.",
      value: ({ roleRef }: Binding): string => `${roleRef.kind}/${roleRef.name}`,
    },
    {
      name: "Subjects",
      description: "To whom.",
      value: ({ subjects }: Binding): string => subjectText(subjects),
    },
  ],
  check: ({ subjects }: Binding): Issue[] => subjectIssues(subjects),
  checkChange: (before: Binding, after: Binding): Issue[] => roleRefIssues(before.roleRef, after.roleRef),
};
