/** Everything that the API serves in Kubernetes' form, by group and version: the kinds, their subresources, and the reviews. */
import { type KindName, kindNames, kinds, servedVersions } from "../../api/index.ts";

interface ServedSubresource {
  readonly name: string;
  /** Group, version and kind of what is sent and answered. */
  readonly responds: GroupVersionKind;
  readonly verbs: readonly string[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface ServedResource extends GroupVersionKind {
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly ServedSubresource[];
  /** Undefined: a review, which is no object. */
  readonly name: KindName | undefined;
}

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

const servedResources: readonly ServedResource[] = [
  ...kindNames.flatMap((name) => servedVersions(name).map((version) => ofKind(name, version))),
  review("authentication.k8s.io", "SelfSubjectReview", false),
  review("authorization.k8s.io", "LocalSubjectAccessReview", true),
  review("authorization.k8s.io", "SelfSubjectAccessReview", false),
  review("authorization.k8s.io", "SelfSubjectRulesReview", false),
  review("authorization.k8s.io", "SubjectAccessReview", false),
];

/** The core group is "". */
export const servedGroups: readonly string[] = [...new Set(servedResources.map(({ group }) => group))];

/** The preferred one first. */
export function versionsOf(group: string): readonly string[] {
  const all = servedResources.filter((each) => each.group === group);
  const own = all.filter(({ name }) => name !== undefined).map(({ name, version }) => ({ name, version }));
  const newest = own.filter(({ name, version }) => name !== undefined && kinds[name].version === version);
  return [...new Set([...newest, ...all].map(({ version }) => version))];
}

export function resourcesOf(group: string, version: string): readonly ServedResource[] {
  return servedResources.filter((each) => each.group === group && each.version === version);
}

/** `v1`, `gateway.networking.k8s.io/v1`. */
export function groupVersionText(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

function ofKind(name: KindName, version: string): ServedResource {
  const { group, kind, plural, singular, shortNames, categories, namespaced, hasStatus } = kinds[name];
  const status = { name: "status", responds: { group, version, kind }, verbs: ["get", "patch", "update"] };
  const token = {
    name: "token",
    responds: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
    verbs: ["create"],
  };
  const subresources = [...(hasStatus ? [status] : []), ...(name === "ServiceAccount" ? [token] : [])];
  return {
    ...{ name, group, version, kind, plural, singular, shortNames, categories, namespaced, verbs },
    subresources,
  };
}

function review(group: string, kind: string, namespaced: boolean): ServedResource {
  const singular = kind.toLowerCase();
  return {
    ...{ name: undefined, group, version: "v1", kind, singular, plural: `${singular}s`, namespaced },
    ...{ shortNames: [], categories: [], verbs: ["create"], subresources: [] },
  };
}
