/**
 * Field numbers of the messages in which kubectl 1.32 sends what it makes itself (`kubectl create …`, `expose`, `auth can-i`): only of
 * Kubernetes' own kinds, and only what weft keeps. Source: `generated.proto` of k8s.io/api and k8s.io/apimachinery, release 1.32.
 */

type FieldType =
  | "string"
  | "bytes"
  | "integer"
  | "boolean"
  /** `IntOrString`. */
  | "intOrString"
  | "stringMap"
  | "bytesMap"
  | NestedType;

export type NestedType = MessageName | readonly ["list", "string" | MessageName];

export interface Field {
  readonly name: string;
  readonly type: FieldType;
}

export type MessageName = keyof typeof messages;

type Fields = Readonly<Record<number, readonly [string, FieldType]>>;

/** What is not named is left out. */
const messages = {
  ObjectMeta: {
    1: ["name", "string"],
    2: ["generateName", "string"],
    3: ["namespace", "string"],
    5: ["uid", "string"],
    6: ["resourceVersion", "string"],
    11: ["labels", "stringMap"],
    12: ["annotations", "stringMap"],
  },
  ConfigMap: {
    1: ["metadata", "ObjectMeta"],
    2: ["data", "stringMap"],
    3: ["binaryData", "bytesMap"],
    4: ["immutable", "boolean"],
  },
  Secret: {
    1: ["metadata", "ObjectMeta"],
    2: ["data", "bytesMap"],
    3: ["type", "string"],
    4: ["stringData", "stringMap"],
    5: ["immutable", "boolean"],
  },
  NamedReference: { 1: ["name", "string"] },
  ObjectReference: { 3: ["name", "string"] },
  ServiceAccount: {
    1: ["metadata", "ObjectMeta"],
    2: ["secrets", ["list", "ObjectReference"]],
    3: ["imagePullSecrets", ["list", "NamedReference"]],
    4: ["automountServiceAccountToken", "boolean"],
  },
  NamespaceSpec: { 1: ["finalizers", ["list", "string"]] },
  Namespace: { 1: ["metadata", "ObjectMeta"], 2: ["spec", "NamespaceSpec"] },
  ServicePort: {
    1: ["name", "string"],
    2: ["protocol", "string"],
    3: ["port", "integer"],
    4: ["targetPort", "intOrString"],
    5: ["nodePort", "integer"],
    6: ["appProtocol", "string"],
  },
  ClientIpConfig: { 1: ["timeoutSeconds", "integer"] },
  SessionAffinityConfig: { 1: ["clientIP", "ClientIpConfig"] },
  ServiceSpec: {
    1: ["ports", ["list", "ServicePort"]],
    2: ["selector", "stringMap"],
    3: ["clusterIP", "string"],
    4: ["type", "string"],
    5: ["externalIPs", ["list", "string"]],
    7: ["sessionAffinity", "string"],
    8: ["loadBalancerIP", "string"],
    9: ["loadBalancerSourceRanges", ["list", "string"]],
    10: ["externalName", "string"],
    11: ["externalTrafficPolicy", "string"],
    12: ["healthCheckNodePort", "integer"],
    13: ["publishNotReadyAddresses", "boolean"],
    14: ["sessionAffinityConfig", "SessionAffinityConfig"],
    17: ["ipFamilyPolicy", "string"],
    18: ["clusterIPs", ["list", "string"]],
    19: ["ipFamilies", ["list", "string"]],
    20: ["allocateLoadBalancerNodePorts", "boolean"],
    21: ["loadBalancerClass", "string"],
    22: ["internalTrafficPolicy", "string"],
    23: ["trafficDistribution", "string"],
  },
  Service: { 1: ["metadata", "ObjectMeta"], 2: ["spec", "ServiceSpec"] },
  PolicyRule: {
    1: ["verbs", ["list", "string"]],
    2: ["apiGroups", ["list", "string"]],
    3: ["resources", ["list", "string"]],
    4: ["resourceNames", ["list", "string"]],
    5: ["nonResourceURLs", ["list", "string"]],
  },
  LabelSelectorRequirement: {
    1: ["key", "string"],
    2: ["operator", "string"],
    3: ["values", ["list", "string"]],
  },
  LabelSelector: {
    1: ["matchLabels", "stringMap"],
    2: ["matchExpressions", ["list", "LabelSelectorRequirement"]],
  },
  AggregationRule: { 1: ["clusterRoleSelectors", ["list", "LabelSelector"]] },
  Role: { 1: ["metadata", "ObjectMeta"], 2: ["rules", ["list", "PolicyRule"]] },
  ClusterRole: {
    1: ["metadata", "ObjectMeta"],
    2: ["rules", ["list", "PolicyRule"]],
    3: ["aggregationRule", "AggregationRule"],
  },
  Subject: {
    1: ["kind", "string"],
    2: ["apiGroup", "string"],
    3: ["name", "string"],
    4: ["namespace", "string"],
  },
  RoleRef: { 1: ["apiGroup", "string"], 2: ["kind", "string"], 3: ["name", "string"] },
  RoleBinding: {
    1: ["metadata", "ObjectMeta"],
    2: ["subjects", ["list", "Subject"]],
    3: ["roleRef", "RoleRef"],
  },
  ClusterRoleBinding: {
    1: ["metadata", "ObjectMeta"],
    2: ["subjects", ["list", "Subject"]],
    3: ["roleRef", "RoleRef"],
  },
  ResourceAttributes: {
    1: ["namespace", "string"],
    2: ["verb", "string"],
    3: ["group", "string"],
    4: ["version", "string"],
    5: ["resource", "string"],
    6: ["subresource", "string"],
    7: ["name", "string"],
  },
  NonResourceAttributes: { 1: ["path", "string"], 2: ["verb", "string"] },
  SelfAccessSpec: {
    1: ["resourceAttributes", "ResourceAttributes"],
    2: ["nonResourceAttributes", "NonResourceAttributes"],
  },
  AccessSpec: {
    1: ["resourceAttributes", "ResourceAttributes"],
    2: ["nonResourceAttributes", "NonResourceAttributes"],
    3: ["user", "string"],
    4: ["groups", ["list", "string"]],
    6: ["uid", "string"],
  },
  RulesSpec: { 1: ["namespace", "string"] },
  SelfSubjectAccessReview: { 2: ["spec", "SelfAccessSpec"] },
  SubjectAccessReview: { 2: ["spec", "AccessSpec"] },
  LocalSubjectAccessReview: { 2: ["spec", "AccessSpec"] },
  SelfSubjectRulesReview: { 2: ["spec", "RulesSpec"] },
  SelfSubjectReview: {},
  TokenRequestSpec: { 1: ["audiences", ["list", "string"]], 4: ["expirationSeconds", "integer"] },
  TokenRequest: { 2: ["spec", "TokenRequestSpec"] },
  Preconditions: { 1: ["uid", "string"], 2: ["resourceVersion", "string"] },
  DeleteOptions: {
    2: ["preconditions", "Preconditions"],
    4: ["propagationPolicy", "string"],
    5: ["dryRun", ["list", "string"]],
  },
} as const satisfies Readonly<
  Record<string, Readonly<Record<number, readonly [string, string | readonly [string, string]]>>>
>;

export function isMessageName(name: string): name is MessageName {
  return Object.hasOwn(messages, name);
}

export function fieldOf(message: MessageName, number: number): Field | undefined {
  const fields: Fields = messages[message];
  const found = Object.hasOwn(fields, number) ? fields[number] : undefined;
  return found === undefined ? undefined : { name: found[0], type: found[1] };
}
