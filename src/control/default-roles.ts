/**
 * The roles that a mesh has from the start, as ordinary objects: Kubernetes' own four, what everybody who proved something may
 * read, and the binding that makes the instance's token an administrator by role too.
 */
import { type KindName, kindNames, kinds, type PolicyRule, rbacGroup } from "../api/index.ts";

const read = ["get", "list", "watch"];
const write = ["create", "update", "patch", "delete", "deletecollection"];

/** Kinds that say who may do what, or hold what nobody should see: not for everybody who may change a route. */
const guarded: ReadonlySet<KindName> = new Set<KindName>([
  "Secret",
  "Role",
  "RoleBinding",
  "AuthenticationPolicy",
  "AuthorizationPolicy",
]);
/** What protects a namespace is for its administrators to change; everybody who works there may read it. */
const protection = ["authenticationpolicies", "authorizationpolicies"];

const ordinary = rulesFor((kind) => kinds[kind].namespaced && !guarded.has(kind));

const viewRules: PolicyRule[] = [
  ...ordinary.map((rule) => ({ ...rule, verbs: read })),
  {
    verbs: read,
    apiGroups: ["weft.dev"],
    resources: [...protection, ...protection.map((name) => `${name}/status`), "telemetrypolicies"],
  },
  { verbs: read, apiGroups: [""], resources: ["namespaces"] },
  // What becomes of a request: nothing is sent, and no Secret is told.
  { verbs: ["create"], apiGroups: ["weft.dev"], resources: ["explanations"] },
  {
    verbs: ["get"],
    apiGroups: ["weft.dev"],
    resources: [
      ...["mesh/status", "mesh/history", "mesh/certificates", "mesh/plaintext", "mesh/topology"],
      ...["mesh/signals", "mesh/services", "mesh/serviceviews", "mesh/findings"],
    ],
  },
];
const editRules: PolicyRule[] = [
  ...viewRules,
  // Statuses are the mesh's own word.
  ...ordinary.map((rule) => ({
    ...rule,
    resources: rule.resources?.filter((name) => !name.includes("/")) ?? [],
    verbs: write,
  })),
  { verbs: write, apiGroups: ["weft.dev"], resources: ["telemetrypolicies"] },
  { verbs: [...read, ...write], apiGroups: [""], resources: ["secrets"] },
  // For `weft run`: a workload of the namespace, as any of its service accounts.
  { verbs: ["create"], apiGroups: [""], resources: ["serviceaccounts/token"] },
];
const adminRules: PolicyRule[] = [
  ...editRules,
  { verbs: write, apiGroups: ["weft.dev"], resources: protection },
  { verbs: [...read, ...write], apiGroups: [rbacGroup], resources: ["roles", "rolebindings"] },
  { verbs: ["create"], apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews"] },
  { verbs: ["create"], apiGroups: ["weft.dev"], resources: ["taps", "taps/bodies"] },
];
const everything: PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];
const discovery: PolicyRule[] = [
  { verbs: ["get"], nonResourceURLs: ["/version", "/api", "/api/*", "/apis", "/apis/*", "/openapi/*"] },
];
const operator: PolicyRule[] = [
  { verbs: ["get"], apiGroups: ["weft.dev"], resources: ["mesh/*"] },
  {
    verbs: [...read, ...write],
    apiGroups: ["weft.dev"],
    resources: ["meshconfigs", "rootrotations", "revocations"],
  },
  { verbs: ["create"], apiGroups: ["weft.dev"], resources: ["explanations"] },
  // Without bodies: those are for whoever is responsible for what is in them.
  { verbs: ["create"], apiGroups: ["weft.dev"], resources: ["taps"] },
  { verbs: ["get"], nonResourceURLs: ["/metrics"] },
];
/** For a Prometheus: who is there to be scraped, their metrics, the control plane's own. Nothing else. */
const prometheus: PolicyRule[] = [
  { verbs: ["get"], apiGroups: ["weft.dev"], resources: ["mesh/prometheus"] },
  { verbs: ["get"], nonResourceURLs: ["/metrics"] },
];

export const defaultRoleObjects: readonly unknown[] = [
  clusterRole("cluster-admin", everything),
  clusterRole("admin", adminRules),
  clusterRole("edit", editRules),
  clusterRole("view", viewRules),
  clusterRole("weft:operator", operator),
  clusterRole("weft:prometheus", prometheus),
  clusterRole("system:discovery", discovery),
  binding("cluster-admin", "cluster-admin", "system:masters"),
  binding("system:discovery", "system:discovery", "system:authenticated"),
];

/** One rule for each group of API. */
function rulesFor(isWanted: (kind: KindName) => boolean): PolicyRule[] {
  const byGroup = new Map<string, string[]>();
  for (const kind of kindNames.filter(isWanted)) {
    const { group, plural, hasStatus } = kinds[kind];
    const resources = byGroup.get(group) ?? [];
    byGroup.set(group, [...resources, plural, ...(hasStatus ? [`${plural}/status`] : [])]);
  }
  return [...byGroup].map(([group, resources]) => ({ verbs: read, apiGroups: [group], resources }));
}

function clusterRole(name: string, rules: readonly PolicyRule[]): unknown {
  return { apiVersion: `${rbacGroup}/v1`, kind: "ClusterRole", metadata: { name }, rules };
}

function binding(name: string, role: string, group: string): unknown {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name },
    subjects: [{ kind: "Group", apiGroup: rbacGroup, name: group }],
    roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: role },
  };
}
