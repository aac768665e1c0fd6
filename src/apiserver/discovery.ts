/** The documents by which Kubernetes' tools find out what there is. */
import { kindNames, kinds } from "../api/index.ts";

const groups = [...new Set(kindNames.map((kind) => kinds[kind].group))].filter((group) => group !== "");

/** Undefined: no such group or version. */
export function discoveryDocument(path: string, version: string): unknown {
  if (path === "/version")
    return { gitVersion: `v${version}`, platform: `${process.platform}/${process.arch}` };
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis") return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(groupDocument) };
  if (path === "/api/v1") return resourceList("", "v1");
  const [group, groupVersion] = path.slice("/apis/".length).split("/");
  if (group === undefined || !groups.includes(group)) return undefined;
  return groupVersion === undefined
    ? { kind: "APIGroup", apiVersion: "v1", ...groupDocument(group) }
    : resourceList(group, groupVersion);
}

function groupDocument(group: string): object {
  const versions = [...new Set(kindsOf(group).map((kind) => kinds[kind].version))].map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(group: string, version: string): unknown {
  const members = kindsOf(group).filter((kind) => kinds[kind].version === version);
  if (members.length === 0) return undefined;
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: members.flatMap(resourceEntries),
  };
}

function resourceEntries(kind: (typeof kindNames)[number]): object[] {
  const { plural, singular, shortNames, namespaced, hasStatus } = kinds[kind];
  const verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
  const entry = { name: plural, singularName: singular, namespaced, kind, verbs, shortNames };
  const status = {
    name: `${plural}/status`,
    singularName: "",
    namespaced,
    kind,
    verbs: ["get", "patch", "update"],
  };
  return hasStatus ? [entry, status] : [entry];
}

function kindsOf(group: string): typeof kindNames {
  return kindNames.filter((kind) => kinds[kind].group === group);
}
