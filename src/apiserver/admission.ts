/**
 * What happens to objects between the check of their schema and the commit: their namespace must exist, their conditions must be
 * readable, and Services and ExternalServices get their virtual addresses. All of one transaction together, so that it is refused or taken as a whole.
 */
import {
  type ApiObject,
  type ExternalService,
  hasVirtualAddresses,
  keyOf,
  keyText,
  type MeshConfig,
  meshConfigName,
  namespaceOf,
  type Service,
} from "../api/index.ts";
import { conditionIssues } from "../compile/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";
import { type AddressRequest, allocateAddresses } from "../registry/index.ts";
import type { Store } from "../store/index.ts";

/** An object with the place that issues are reported at: `objects[3].` in a transaction, nothing for a single one. */
export interface Candidate {
  readonly object: ApiObject;
  readonly pathPrefix: string;
}

/** In the same order. Throws `bad_input` with every issue. */
export function admit(
  store: Store,
  candidates: readonly Candidate[],
  deletedNamespaces: ReadonlySet<string>,
): ApiObject[] {
  const issues = [
    ...duplicates(candidates),
    ...missingNamespaces(store, candidates, deletedNamespaces),
    ...unreadableConditions(candidates),
  ];
  const { objects, issues: addressIssues } = withAddresses(store, candidates);
  refuse([...issues, ...addressIssues]);
  return objects;
}

export function refuse(issues: readonly Issue[]): void {
  const [first] = issues;
  if (first === undefined) return;
  const more = issues.length > 1 ? ` and ${issues.length - 1} more` : "";
  throw new WeftError("bad_input", `${first.path === "" ? "" : `${first.path}: `}${first.message}${more}`, {
    issues,
  });
}

function duplicates(candidates: readonly Candidate[]): Issue[] {
  const seen = new Set<string>();
  return candidates.flatMap(({ object, pathPrefix }) => {
    const key = keyText(keyOf(object));
    if (seen.has(key))
      return [{ path: `${pathPrefix}metadata.name`, message: `${key} is there twice in one change` }];
    seen.add(key);
    return [];
  });
}

/** No schema can tell: conditions are a language of their own. */
function unreadableConditions(candidates: readonly Candidate[]): Issue[] {
  return candidates.flatMap(({ object, pathPrefix }) =>
    conditionIssues(object).map(({ path, message }) => ({ path: `${pathPrefix}${path}`, message })),
  );
}

function missingNamespaces(
  store: Store,
  candidates: readonly Candidate[],
  deletedNamespaces: ReadonlySet<string>,
): Issue[] {
  const created = new Set(
    candidates.flatMap(({ object }) => (object.kind === "Namespace" ? [object.metadata.name] : [])),
  );
  return candidates.flatMap(({ object, pathPrefix }) => {
    const namespace = namespaceOf(object);
    if (namespace === "" || created.has(namespace)) return [];
    const exists = store.get({ kind: "Namespace", namespace: "", name: namespace }) !== undefined;
    if (exists && !deletedNamespaces.has(namespace)) return [];
    return [
      {
        path: `${pathPrefix}metadata.namespace`,
        message: `namespace ${namespace} does not exist; apply a Namespace of that name with it`,
      },
    ];
  });
}

function withAddresses(
  store: Store,
  candidates: readonly Candidate[],
): { objects: ApiObject[]; issues: Issue[] } {
  const fields = new Map<string, string>();
  const requests: AddressRequest[] = [];
  for (const { object, pathPrefix } of candidates) {
    const request = addressRequest(object, store);
    if (request === undefined) continue;
    requests.push(request);
    const field = object.kind === "Service" ? "spec.clusterIP" : "spec.virtualIPs";
    fields.set(request.service, `${pathPrefix}${field}`);
  }
  if (requests.length === 0) return { objects: candidates.map(({ object }) => object), issues: [] };
  const allocations = allocateAddresses({
    requests,
    prefixes: virtualPrefixes(store, candidates),
    taken: takenAddresses(store),
  });
  const issues: Issue[] = [];
  const addresses = new Map<string, readonly string[]>();
  for (const allocation of allocations) {
    if (allocation.kind === "allocated") addresses.set(allocation.service, allocation.addresses);
    else issues.push({ path: fields.get(allocation.service) ?? "", message: allocation.message });
  }
  return { objects: candidates.map(({ object }) => withAllocated(object, addresses)), issues };
}

function withAllocated(object: ApiObject, addresses: ReadonlyMap<string, readonly string[]>): ApiObject {
  if (object.kind !== "Service" && object.kind !== "ExternalService") return object;
  const [first, ...more] = addresses.get(ownerName(object)) ?? [];
  if (first === undefined) return object;
  return object.kind === "Service"
    ? { ...object, spec: { ...object.spec, clusterIP: first, clusterIPs: [first, ...more] } }
    : { ...object, spec: { ...object.spec, virtualIPs: [first, ...more] } };
}

/** What an object was once given it keeps, though its file does not name it. Undefined: it has no address of the mesh's. */
function addressRequest(object: ApiObject, store: Store): AddressRequest | undefined {
  if (object.kind === "Service" && needsAddress(object)) {
    const existing = store.get({ ...keyOf(object), kind: "Service" });
    const kept = existing === undefined ? [] : writtenAddresses(existing).filter((ip) => ip !== "None");
    const families = object.spec.ipFamilies;
    const request = { service: ownerName(object), asked: firstOf(writtenAddresses(object), kept) };
    return families === undefined ? request : { ...request, families };
  }
  if (object.kind === "ExternalService" && hasVirtualAddresses(object.spec)) {
    const kept = store.get({ ...keyOf(object), kind: "ExternalService" })?.spec.virtualIPs ?? [];
    return { service: ownerName(object), asked: firstOf(object.spec.virtualIPs ?? [], kept) };
  }
  return undefined;
}

function firstOf(asked: readonly string[], kept: readonly string[]): readonly string[] {
  return asked.length > 0 ? asked : kept;
}

function needsAddress({ spec }: Service): boolean {
  return spec.type !== "ExternalName" && spec.clusterIP !== "None" && spec.clusterIPs?.[0] !== "None";
}

function writtenAddresses({ spec }: Service): readonly string[] {
  if (spec.clusterIPs !== undefined && spec.clusterIPs.length > 0) return spec.clusterIPs;
  return spec.clusterIP === undefined || spec.clusterIP === "" ? [] : [spec.clusterIP];
}

/** A Service and an ExternalService may have one name, and are two owners all the same. */
function ownerName({ kind, metadata }: Service | ExternalService): string {
  const path = `${metadata.namespace}/${metadata.name}`;
  return kind === "Service" ? path : `${kind} ${path}`;
}

function virtualPrefixes(store: Store, candidates: readonly Candidate[]): readonly string[] {
  const written = candidates.find(({ object }) => object.kind === "MeshConfig")?.object;
  const config: MeshConfig | undefined =
    written?.kind === "MeshConfig"
      ? written
      : store.get({ kind: "MeshConfig", namespace: "", name: meshConfigName });
  return config?.spec.virtualIpCidrs ?? [];
}

function takenAddresses(store: Store): Map<string, string> {
  const taken = new Map<string, string>();
  for (const service of store.list({ kind: "Service" }).items) {
    for (const address of writtenAddresses(service)) {
      if (address !== "None") taken.set(address, ownerName(service));
    }
  }
  for (const external of store.list({ kind: "ExternalService" }).items) {
    for (const address of external.spec.virtualIPs ?? []) taken.set(address, ownerName(external));
  }
  return taken;
}
