/** What the registry knows, as others read it: immutable values, replaced when something in them changes. */

import type { MetricsPlace } from "../api/index.ts";

/** "namespace/name" of a service or workload. */
export type ObjectPath = string;

export interface ServicePortView {
  readonly port: number;
  /** Empty where the service has one port and did not name it. */
  readonly name: string;
  /** TCP, UDP or SCTP as the Service says. */
  readonly transport: string;
  readonly appProtocol: string | undefined;
  /** A number, or the name of a port of the workload. */
  readonly targetPort: number | string;
}

export interface ServiceView {
  readonly path: ObjectPath;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined: endpoints come from EndpointSlices. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Virtual IPs in canonical text, at most one of each family. Empty: headless, or not allocated. */
  readonly addresses: readonly string[];
  readonly isHeadless: boolean;
  readonly publishNotReadyAddresses: boolean;
  /** Version of the PROXY protocol that its endpoints want; 0: none. */
  readonly proxyProtocol: 0 | 1 | 2;
  readonly ports: readonly ServicePortView[];
}

interface WorkloadPortView {
  readonly port: number;
  readonly name: string;
  readonly protocol: string;
}

/** live: takes requests. draining: finishes what it has. lost: its lease ran out. */
export type WorkloadHealth = "live" | "draining" | "lost";

export interface TunnelView {
  readonly kind: "weft" | "none";
  readonly address: string;
  readonly port: number;
}

export interface WorkloadView {
  readonly path: ObjectPath;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly ports: readonly WorkloadPortView[];
  readonly tunnel: TunnelView;
  readonly region: string;
  readonly zone: string;
  /** Where the application offers metrics of its own, as its annotations say it; undefined: nowhere. */
  readonly metrics: MetricsPlace | undefined;
  readonly health: WorkloadHealth;
}

/** One workload (or one address of an EndpointSlice) as the backend of one service port. */
export interface EndpointView {
  /** "namespace/name"; for an address of an EndpointSlice that is no workload's, "namespace/address". */
  readonly workload: ObjectPath;
  readonly address: string;
  readonly port: number;
  /** Empty where nothing is known behind the address: then there is no identity to expect, and no tunnel. */
  readonly serviceAccount: string;
  readonly tunnel: TunnelView;
  readonly health: WorkloadHealth;
  /** Label `app.kubernetes.io/version`, else `version`. */
  readonly version: string;
  readonly region: string;
  readonly zone: string;
}

export type AddressOwner =
  | { readonly kind: "service"; readonly service: ServiceView }
  | { readonly kind: "workload"; readonly workload: WorkloadView };

/** What `subscribe` tells: paths of what was added, changed or removed. Read the new state from the views. */
export interface RegistryChange {
  readonly services: ReadonlySet<ObjectPath>;
  readonly workloads: ReadonlySet<ObjectPath>;
  /** Services whose endpoints changed, on any port. */
  readonly endpoints: ReadonlySet<ObjectPath>;
  /** Of those the ones that only these workloads changed; of the others any endpoint may be another one. */
  readonly changedMembers: ReadonlyMap<ObjectPath, ChangedMembers>;
  /** Addresses whose owner changed or whose owner's view did. */
  readonly addresses: ReadonlySet<string>;
}

export interface ChangedMembers {
  readonly workloads: ReadonlySet<ObjectPath>;
  /** One of them became an endpoint of some port, or is none any more. */
  readonly isSetChanged: boolean;
}

/** The part of the registry that only reads: what compile needs. */
export interface RegistryViews {
  service(path: ObjectPath): ServiceView | undefined;
  services(): Iterable<ServiceView>;
  workload(path: ObjectPath): WorkloadView | undefined;
  workloads(): Iterable<WorkloadView>;
  /** Of a port of TCP unless it says otherwise. Live and draining ones, sorted by workload path; lost ones only where the service publishes them. */
  endpoints(service: ObjectPath, port: number, transport?: "TCP" | "UDP"): readonly EndpointView[];
  /** The one of `endpoints` that a workload is. */
  endpoint(
    service: ObjectPath,
    port: number,
    workload: ObjectPath,
    transport?: "TCP" | "UDP",
  ): EndpointView | undefined;
  /** Workloads that a service has as members, whatever their health; and the services that have a workload as member. */
  membersOf(service: ObjectPath): readonly ObjectPath[];
  servicesOf(workload: ObjectPath): readonly ObjectPath[];
  addressOwner(ip: string): AddressOwner | undefined;
}
