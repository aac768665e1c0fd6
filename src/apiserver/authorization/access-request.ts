/** What a caller wants to do, in the words of roles. */

export interface ResourceAccess {
  readonly type: "resource";
  readonly verb: string;
  /** Empty: the core group. */
  readonly group: string;
  readonly resource: string;
  /** Empty: the object itself. */
  readonly subresource: string;
  /** Empty: all namespaces, or what lives in none. */
  readonly namespace: string;
  /** Empty: no single object. */
  readonly name: string;
}

interface PathAccess {
  readonly type: "path";
  readonly verb: string;
  readonly path: string;
}

export type AccessRequest = ResourceAccess | PathAccess;

export interface Subject {
  readonly user: string;
  readonly groups: readonly string[];
  /** "namespace/name". */
  readonly serviceAccount?: string | undefined;
}

export function resourceText({ resource, subresource }: ResourceAccess): string {
  return subresource === "" ? resource : `${resource}/${subresource}`;
}

/** "update httproutes.gateway.networking.k8s.io reviews in namespace shop". */
export function accessText(access: AccessRequest): string {
  if (access.type === "path") return `${access.verb} ${access.path}`;
  const group = access.group === "" ? "" : `.${access.group}`;
  const name = access.name === "" ? "" : ` ${access.name}`;
  const where = access.namespace === "" ? "" : ` in namespace ${access.namespace}`;
  return `${access.verb} ${resourceText(access)}${group}${name}${where}`;
}

/** The rule that a role would have to hold, as it is written in one. */
export function missingRule(access: AccessRequest): string {
  if (access.type === "path") {
    return `{verbs: [${access.verb}], nonResourceURLs: [${access.path}]} in a ClusterRole`;
  }
  const where =
    access.namespace === "" ? "by a ClusterRoleBinding" : `by a binding in namespace ${access.namespace}`;
  const group = access.group === "" ? '""' : access.group;
  return `{verbs: [${access.verb}], apiGroups: [${group}], resources: [${resourceText(access)}]} ${where}`;
}
