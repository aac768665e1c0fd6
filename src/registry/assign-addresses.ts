/** Services and ExternalServices with the virtual addresses that they have, or get: what one was once given it keeps. */
import {
  type ApiObject,
  type ExternalService,
  hasVirtualAddresses,
  keyOf,
  type MeshConfig,
  type ObjectKey,
  type Service,
} from "../api/index.ts";
import { type AddressRequest, allocateAddresses } from "./allocate-addresses.ts";

/** Objects that there are already. */
export interface KnownObjects {
  service(key: ObjectKey): Service | undefined;
  external(key: ObjectKey): ExternalService | undefined;
  services(): Iterable<Service>;
  externals(): Iterable<ExternalService>;
  meshConfig(): MeshConfig | undefined;
}

interface RefusedAddress {
  /** Of the object among those that were given. */
  readonly index: number;
  /** "spec.clusterIP" */
  readonly field: string;
  readonly message: string;
}

/** All of one change together, so that no two get one address. In the order of the objects. */
export function assignAddresses(
  candidates: readonly ApiObject[],
  known: KnownObjects,
): { readonly objects: ApiObject[]; readonly refused: readonly RefusedAddress[] } {
  const places = new Map<string, Omit<RefusedAddress, "message">>();
  const requests: AddressRequest[] = [];
  for (const [index, object] of candidates.entries()) {
    const request = addressRequest(object, known);
    if (request === undefined) continue;
    requests.push(request);
    const field = object.kind === "Service" ? "spec.clusterIP" : "spec.virtualIPs";
    places.set(request.service, { index, field });
  }
  if (requests.length === 0) return { objects: [...candidates], refused: [] };
  const allocations = allocateAddresses({
    requests,
    prefixes: virtualPrefixes(candidates, known),
    taken: takenAddresses(known),
  });
  const refused: RefusedAddress[] = [];
  const addresses = new Map<string, readonly string[]>();
  for (const allocation of allocations) {
    const place = places.get(allocation.service);
    if (allocation.kind === "allocated") addresses.set(allocation.service, allocation.addresses);
    else if (place !== undefined) refused.push({ ...place, message: allocation.message });
  }
  return { objects: candidates.map((object) => withAllocated(object, addresses)), refused };
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
function addressRequest(object: ApiObject, known: KnownObjects): AddressRequest | undefined {
  if (object.kind === "Service" && needsAddress(object)) {
    const existing = known.service(keyOf(object));
    const kept = existing === undefined ? [] : writtenAddresses(existing).filter((ip) => ip !== "None");
    const families = object.spec.ipFamilies;
    const request = { service: ownerName(object), asked: firstOf(writtenAddresses(object), kept) };
    return families === undefined ? request : { ...request, families };
  }
  if (object.kind === "ExternalService" && hasVirtualAddresses(object.spec)) {
    const kept = known.external(keyOf(object))?.spec.virtualIPs ?? [];
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

function virtualPrefixes(candidates: readonly ApiObject[], known: KnownObjects): readonly string[] {
  const written = candidates.find((object) => object.kind === "MeshConfig");
  const config = written?.kind === "MeshConfig" ? written : known.meshConfig();
  return config?.spec.virtualIpCidrs ?? [];
}

function takenAddresses(known: KnownObjects): Map<string, string> {
  const taken = new Map<string, string>();
  for (const service of known.services()) {
    for (const address of writtenAddresses(service)) {
      if (address !== "None") taken.set(address, ownerName(service));
    }
  }
  for (const external of known.externals()) {
    for (const address of external.spec.virtualIPs ?? []) taken.set(address, ownerName(external));
  }
  return taken;
}
