/** The documents by which Kubernetes' tools find out what there is: one for each group and version, or all at once. */
import { WeftError } from "../../kernel/index.ts";
import {
  groupVersionText,
  type GroupVersionKind,
  resourcesOf,
  servedGroups,
  type ServedResource,
  versionsOf,
} from "./served-resources.ts";

/** Of Kubernetes, in whose words the API speaks; tools compare it with their own. */
const kubernetesVersion = { major: "1", minor: "32", patch: "0" };

export function discoveryResponse(path: string, accept: string | null, version: string): Response {
  const aggregated = path === "/api" || path === "/apis" ? aggregatedType(accept) : undefined;
  if (aggregated !== undefined) {
    const groups = path === "/api" ? [""] : servedGroups.filter((group) => group !== "");
    const [apiVersion, type] = aggregated;
    const items = groups.map(groupDiscovery);
    return new Response(JSON.stringify({ kind: "APIGroupDiscoveryList", apiVersion, metadata: {}, items }), {
      headers: { "content-type": type },
    });
  }
  const document = discoveryDocument(path, version);
  if (document === undefined) throw new WeftError("not_found", `there is nothing at ${path}`);
  return Response.json(document);
}

function discoveryDocument(path: string, version: string): unknown {
  if (path === "/version") return versionDocument(version);
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  if (path === "/apis") {
    const groups = servedGroups.filter((group) => group !== "").map(groupDocument);
    return { kind: "APIGroupList", apiVersion: "v1", groups };
  }
  if (path === "/api/v1") return resourceList("", "v1");
  const [group = "", groupVersion] = path.slice("/apis/".length).split("/");
  if (group === "" || !servedGroups.includes(group)) return undefined;
  return groupVersion === undefined
    ? { kind: "APIGroup", apiVersion: "v1", ...groupDocument(group) }
    : resourceList(group, groupVersion);
}

/** weft's own version stands behind the plus. */
function versionDocument(version: string): object {
  const { major, minor, patch } = kubernetesVersion;
  return {
    major,
    minor,
    gitVersion: `v${major}.${minor}.${patch}+weft-${version}`,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "bun",
    platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
}

/** The newest form of the list of all groups that the client takes, and its media type; undefined: none. */
function aggregatedType(accept: string | null): readonly [string, string] | undefined {
  for (const range of (accept ?? "").split(",")) {
    const parts = range.split(";").map((part) => part.trim());
    if (parts[0] !== "application/json" || !parts.includes("as=APIGroupDiscoveryList")) continue;
    for (const version of ["v2", "v2beta1"]) {
      if (!parts.includes("g=apidiscovery.k8s.io") || !parts.includes(`v=${version}`)) continue;
      const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      return [`apidiscovery.k8s.io/${version}`, type];
    }
  }
  return undefined;
}

function groupDiscovery(group: string): object {
  return {
    metadata: group === "" ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
    versions: versionsOf(group).map((version) => ({
      version,
      resources: resourcesOf(group, version).map(resourceDiscovery),
      freshness: "Current",
    })),
  };
}

function resourceDiscovery(resource: ServedResource): object {
  const { plural, singular, shortNames, categories, namespaced, verbs, subresources } = resource;
  return {
    resource: plural,
    responseKind: identity(resource),
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map(({ name, responds, verbs: own }) => ({
            subresource: name,
            responseKind: identity(responds),
            verbs: own,
          })),
        }),
  };
}

function identity({ group, version, kind }: GroupVersionKind): GroupVersionKind {
  return { group, version, kind };
}

function groupDocument(group: string): object {
  const versions = versionsOf(group).map((version) => ({
    groupVersion: groupVersionText(group, version),
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(group: string, version: string): unknown {
  const members = resourcesOf(group, version);
  if (members.length === 0) return undefined;
  const groupVersion = groupVersionText(group, version);
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: members.flatMap(resourceEntries),
  };
}

function resourceEntries(resource: ServedResource): object[] {
  const { plural, singular, shortNames, categories, namespaced, kind, verbs, subresources } = resource;
  const names = {
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
  return [
    { name: plural, singularName: singular, namespaced, kind, verbs, ...names },
    ...subresources.map(({ name, responds, verbs: own }) => ({
      name: `${plural}/${name}`,
      singularName: "",
      namespaced,
      ...(responds.group === resource.group ? {} : { group: responds.group, version: responds.version }),
      kind: responds.kind,
      verbs: own,
    })),
  ];
}
