/** What a commit changes, sorted into one list per table. */
import type { Address, Cluster, Endpoint, Inbound, Mesh, Name } from "../../model/index.ts";
import type { GatewayCertificate } from "./gateway-certificate.ts";
import type { Resource, ResourceKind } from "./resource.ts";
import type { PreparedGateway, PreparedOutbound, Unknown } from "./snapshot.ts";

export type ResourceChange =
  | { readonly type: "upsert"; readonly resource: Resource }
  /** There is no such thing: where it was asked for by name, that is the answer. */
  | { readonly type: "remove"; readonly kind: ResourceKind; readonly name: string }
  /** Nobody asks for it any more: neither known nor unknown. */
  | { readonly type: "forget"; readonly kind: ResourceKind; readonly name: string };

export interface Edit<V> {
  readonly name: string;
  /** Undefined: take it out. */
  readonly value: V | undefined;
}

export class EditLists {
  readonly mesh: Edit<Mesh>[] = [];
  readonly inbound: Edit<Inbound>[] = [];
  readonly gateways: Edit<PreparedGateway>[] = [];
  readonly certificates: Edit<GatewayCertificate>[] = [];
  readonly clusters: Edit<Cluster>[] = [];
  readonly endpoints: Edit<Endpoint>[] = [];
  readonly addresses: Edit<Address | Unknown>[] = [];
  readonly names: Edit<Name | Unknown>[] = [];
  readonly outbounds: Edit<PreparedOutbound | Unknown>[] = [];

  constructor(changes: readonly ResourceChange[]) {
    for (const change of changes) {
      if (change.type === "upsert") this.#put(change.resource);
      else this.#take(change.kind, change.name, change.type === "remove" ? "unknown" : undefined);
    }
  }

  #put(resource: Resource): void {
    const { name } = resource;
    switch (resource.kind) {
      case "Mesh":
        return void this.mesh.push({ name, value: resource.value });
      case "Inbound":
        return void this.inbound.push({ name, value: resource.value });
      case "Gateway":
        return void this.gateways.push({ name, value: resource.value });
      case "Certificate":
        return void this.certificates.push({ name, value: resource.value });
      case "Cluster":
        return void this.clusters.push({ name, value: resource.value });
      case "Endpoint":
        return void this.endpoints.push({ name, value: resource.value });
      case "Address":
        return void this.addresses.push({ name, value: resource.value });
      case "Name":
        return void this.names.push({ name, value: resource.value });
      case "Outbound":
        return void this.outbounds.push({ name, value: resource.value });
    }
  }

  #take(kind: ResourceKind, name: string, answer: Unknown | undefined): void {
    switch (kind) {
      case "Mesh":
        return void this.mesh.push({ name, value: undefined });
      case "Inbound":
        return void this.inbound.push({ name, value: undefined });
      case "Gateway":
        return void this.gateways.push({ name, value: undefined });
      case "Certificate":
        return void this.certificates.push({ name, value: undefined });
      case "Cluster":
        return void this.clusters.push({ name, value: undefined });
      case "Endpoint":
        return void this.endpoints.push({ name, value: undefined });
      case "Address":
        return void this.addresses.push({ name, value: answer });
      case "Name":
        return void this.names.push({ name, value: answer });
      case "Outbound":
        return void this.outbounds.push({ name, value: answer });
    }
  }
}
