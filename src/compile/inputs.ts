/**
 * Everything that outputs are computed from, and a reader that notes what one computation reads. The reader is the
 * only way for the other files to get at an input, so no dependency can be forgotten.
 */
import { type MeshConfig, weftControllerName } from "../api/index.ts";
import type { AddressOwner, RegistryViews, ServiceView, WorkloadView } from "../registry/index.ts";
import { BackendTlsPolicies, type BackendTlsPolicyInput, backendTlsFacts } from "./backend-tls-policies.ts";
import type { CertificateContent, SecretContent } from "./certificate-content.ts";
import { type Attachment, backendFact, type CompiledRoute, kindFact, parentFact } from "./compiled-route.ts";
import { defaultMeshConfig } from "./default-mesh-config.ts";
import type { DependencyIndex } from "./dependency-index.ts";
import { EndpointReader } from "./endpoint-reader.ts";
import { facts } from "./facts.ts";
import { ExternalReader } from "./external-reader.ts";
import { ExternalServices } from "./external-services.ts";
import { Grants, type Referent, type Referrer } from "./grants.ts";
import type {
  GatewayClassInput,
  GatewayHost,
  GatewayInput,
  ListenerSetInput,
  MeshConfigInput,
  NamespaceInput,
} from "./gateway-input.ts";
import { ListenerSets } from "./listener-sets.ts";
import { faultProblem } from "./policy/faults.ts";
import {
  asWritten,
  type JudgedPolicy,
  policyFacts,
  PolicyIndex,
  type Target,
} from "./policy/policy-index.ts";
import type { FaultPolicyInput, PolicyInput, PolicyKind, TrafficPolicyInput } from "./policy/policy-input.ts";
import { compareText } from "./resource.ts";
import { ConfigMapInput, type Credentials, SecretInput } from "./read-once.ts";
import { SecurityPolicies, SecurityReader } from "./security/security-policies.ts";
import { type SharedOutbound, SharedOutbounds } from "./shared-outbounds.ts";
import { TelemetryPolicies, TelemetryReader } from "./telemetry/telemetry-policies.ts";
import type { KeySetInput } from "./key-sets.ts";
import type { ConfigMapContent, TrustAnchors } from "./trust-anchors.ts";
import { conflictsAtGateway, placeKey, rivalKinds } from "./route-conflicts.ts";
import type { RouteInput, RouteKind } from "./route-input.ts";
import type { Trust, TrustInput } from "./trust-input.ts";
import type { JudgedRoute } from "./judged-route.ts";

export class Inputs {
  readonly trust: Trust;
  currentTrust: TrustInput;
  readonly registry: RegistryViews;
  readonly namespaces = new Map<string, NamespaceInput>();
  readonly gateways = new Map<string, GatewayInput>();
  readonly gatewayClasses = new Map<string, GatewayClassInput>();
  readonly listenerSets = new ListenerSets();
  /** Undefined: nobody knows. */
  gatewayHost: GatewayHost | undefined;
  readonly #secrets = new Map<string, SecretInput>();
  readonly #configMaps = new Map<string, ConfigMapInput>();
  readonly backendTlsPolicies = new BackendTlsPolicies();
  readonly grants = new Grants();
  readonly externals = new ExternalServices();
  readonly trafficPolicies = new PolicyIndex<TrafficPolicyInput>(asWritten(() => undefined));
  readonly security = new SecurityPolicies();
  readonly telemetry = new TelemetryPolicies();
  /** By address, as it was fetched last. */
  readonly keySets = new Map<string, KeySetInput>();
  readonly faultPolicies = new PolicyIndex<FaultPolicyInput>(asWritten(faultProblem));
  readonly sharedOutbounds: SharedOutbounds;
  /** By `routeKey`. */
  readonly routes = new Map<string, RouteInput>();
  /** Results of compiling routes: the last good one of each, by `routeKey`. */
  readonly compiledRoutes = new Map<string, CompiledRoute>();
  /** What is to be said of each route, by `routeKey`. */
  readonly judgedRoutes = new Map<string, JudgedRoute>();
  /** Keys of routes by what they name: a parent (`parentFact`, `kindFact`), a backend (`backendFact`). */
  readonly routesByFact = new Map<string, Set<string>>();
  /** Results of `conflictsAtGateway`, by `parentFact`, as long as the routes are the same. */
  readonly conflicts = new Map<string, ReadonlySet<string>>();
  meshConfig: MeshConfig | MeshConfigInput = defaultMeshConfig();

  constructor(trust: Trust, registry: RegistryViews, dependencies: DependencyIndex) {
    this.trust = trust;
    this.sharedOutbounds = new SharedOutbounds(dependencies);
    const { trustRoots: roots } = trust;
    this.currentTrust = { roots, issuingRoot: new Uint8Array(), reissueWithinMs: 0, revoked: [] };
    this.registry = registry;
  }

  setSecret(path: string, content: SecretContent): void {
    this.#secrets.set(path, new SecretInput(content));
  }

  routesAt(fact: string): CompiledRoute[] {
    const keys = this.routesByFact.get(fact) ?? [];
    return [...keys].flatMap((key) => this.compiledRoutes.get(key) ?? []);
  }

  conflictsAt(gateway: string): ReadonlySet<string> {
    const fact = parentFact({ kind: "Gateway", parent: gateway });
    const known = this.conflicts.get(fact);
    if (known !== undefined) return known;
    const found = conflictsAtGateway(this.routesAt(fact), gateway);
    this.conflicts.set(fact, found);
    return found;
  }

  deleteSecret(path: string): void {
    this.#secrets.delete(path);
  }

  certificate(path: string): CertificateContent | undefined {
    return this.#secrets.get(path)?.certificate;
  }

  setConfigMap(path: string, content: ConfigMapContent): void {
    this.#configMaps.set(path, new ConfigMapInput(content));
  }

  deleteConfigMap(path: string): void {
    this.#configMaps.delete(path);
  }

  credentials(path: string): Credentials | undefined {
    return this.#secrets.get(path)?.credentials;
  }

  trustAnchors(path: string): TrustAnchors | undefined {
    return this.#configMaps.get(path)?.anchors;
  }

  resetMeshConfig(): void {
    this.meshConfig = defaultMeshConfig();
  }
}

export class InputReader {
  readonly endpoints: EndpointReader;
  readonly external: ExternalReader;
  readonly security: SecurityReader;
  readonly telemetry: TelemetryReader;
  readonly #inputs: Inputs;
  readonly #read: Set<string>;
  readonly #needsGrants: boolean;

  /** What is read is added to `read`. */
  constructor(inputs: Inputs, read: Set<string>, needsGrants = true) {
    this.#inputs = inputs;
    this.#read = read;
    this.endpoints = new EndpointReader(inputs.registry, read);
    this.external = new ExternalReader(inputs.externals, read, (path) => this.service(path) !== undefined);
    this.security = new SecurityReader(inputs.security, read);
    this.telemetry = new TelemetryReader(inputs.telemetry, read);
    this.#needsGrants = needsGrants;
  }

  /** The same for routes under a Service: they open nothing that was not there, so nobody has to permit it (GEP-1426). */
  withoutGrants(): InputReader {
    return new InputReader(this.#inputs, this.#read, false);
  }

  /** What is compiled is for routes under a Service. */
  get isUnderService(): boolean {
    return !this.#needsGrants;
  }

  get trustDomain(): string {
    return this.#inputs.trust.trustDomain;
  }

  trust(): TrustInput {
    this.#read.add(facts.trust);
    return this.#inputs.currentTrust;
  }

  get domainSuffix(): string {
    return this.meshConfig().spec.domainSuffix;
  }

  meshConfig(): MeshConfig {
    this.#read.add(facts.meshConfig);
    return this.#inputs.meshConfig;
  }

  securitySettings(): MeshConfig["spec"]["security"] {
    this.#read.add(facts.meshSecurity);
    return this.#inputs.meshConfig.spec.security;
  }

  /** Undefined: limits are not shared. */
  redis(): MeshConfig["spec"]["rateLimits"]["redis"] {
    this.#read.add(facts.meshSecurity);
    return this.#inputs.meshConfig.spec.rateLimits.redis;
  }

  /** Undefined: nobody has tried to fetch it yet. */
  keySet(uri: string): KeySetInput | undefined {
    this.#read.add(facts.keySet(uri));
    return this.#inputs.keySets.get(uri);
  }

  /** Undefined where there is no such Secret, or no password in it. */
  credentials(secret: string): Credentials | undefined {
    this.#read.add(facts.secret(secret));
    return this.#inputs.credentials(secret);
  }

  service(path: string): ServiceView | undefined {
    this.#read.add(facts.service(path));
    return this.#inputs.registry.service(path);
  }

  workload(path: string): WorkloadView | undefined {
    this.#read.add(facts.workload(path));
    return this.#inputs.registry.workload(path);
  }

  servicesOf(workload: string): readonly string[] {
    this.#read.add(facts.memberships(workload));
    return this.#inputs.registry.servicesOf(workload);
  }

  addressOwner(ip: string): AddressOwner | undefined {
    this.#read.add(facts.address(ip));
    return this.#inputs.registry.addressOwner(ip);
  }

  /** Undefined where the namespace does not exist. Kubernetes gives every namespace its own name as a label. */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined {
    this.#read.add(facts.namespace(name));
    const namespace = this.#inputs.namespaces.get(name);
    return namespace && { ...namespace.metadata.labels, "kubernetes.io/metadata.name": name };
  }

  gateway(path: string): GatewayInput | undefined {
    this.#read.add(facts.gateway(path));
    return this.#inputs.gateways.get(path);
  }

  gatewayClass(name: string): GatewayClassInput | undefined {
    this.#read.add(facts.gatewayClass(name));
    return this.#inputs.gatewayClasses.get(name);
  }

  namespaceAnnotation(name: string, annotation: string): string | undefined {
    this.#read.add(facts.namespace(name));
    return this.#inputs.namespaces.get(name)?.metadata.annotations?.[annotation];
  }

  /** By the key of its cluster. `compute` is given a reader of its own. */
  sharedOutbound(key: string, compute: (inputs: InputReader) => SharedOutbound | undefined) {
    return this.#inputs.sharedOutbounds.get(key, this.#read, (read) =>
      compute(new InputReader(this.#inputs, read)),
    );
  }

  /** Whether Gateways of the class are weft's to serve. */
  isOwnClass(name: string): boolean {
    return this.gatewayClass(name)?.spec.controllerName === weftControllerName;
  }

  /** Undefined where it does not exist or is of another controller's class. */
  ownGateway(path: string): GatewayInput | undefined {
    const gateway = this.gateway(path);
    return gateway !== undefined && this.isOwnClass(gateway.spec.gatewayClassName) ? gateway : undefined;
  }

  /** Paths of all Gateways that stand before one in the order of their names. */
  gatewaysBefore(path: string): string[] {
    this.#read.add(facts.gateways);
    return [...this.#inputs.gateways.keys()]
      .filter((other) => compareText(other, path) < 0)
      .toSorted(compareText);
  }

  gatewayHost(): GatewayHost | undefined {
    this.#read.add(facts.gatewayHost);
    return this.#inputs.gatewayHost;
  }

  listenerSet(path: string): ListenerSetInput | undefined {
    this.#read.add(facts.listenerSet(path));
    return this.#inputs.listenerSets.get(path);
  }

  /** Those that name the Gateway, whether or not it lets them in. */
  listenerSetsOf(gateway: string): ListenerSetInput[] {
    this.#read.add(facts.listenerSetsOf(gateway));
    return this.#inputs.listenerSets.of(gateway);
  }

  /** Undefined where there is no such ConfigMap. */
  trustAnchors(configMap: string): TrustAnchors | undefined {
    this.#read.add(facts.configMap(configMap));
    return this.#inputs.trustAnchors(configMap);
  }

  /** Whether an object may refer to another: in its own namespace always, elsewhere where a ReferenceGrant says so. */
  isPermitted(from: Referrer, to: Referent): boolean {
    if (from.namespace === to.namespace || !this.#needsGrants) return true;
    this.#read.add(facts.grants(to.namespace));
    return this.#inputs.grants.permit(from, to);
  }

  /** What the Secret is as a certificate; undefined where there is no such Secret. */
  certificate(secret: string): CertificateContent | undefined {
    this.#read.add(facts.secret(secret));
    return this.#inputs.certificate(secret);
  }

  /** Those that hold there, the older first. */
  trafficPoliciesAt(target: Target): TrafficPolicyInput[] {
    return this.#inputs.trafficPolicies.list(this.#reading(policyFacts.at(target)));
  }

  faultPoliciesAt(target: Target): FaultPolicyInput[] {
    return this.#inputs.faultPolicies.list(this.#reading(policyFacts.at(target)));
  }

  /** `fact`: one of `policyFacts`. */
  policiesAt(kind: PolicyKind, fact: string): PolicyInput[] {
    const { trafficPolicies, faultPolicies } = this.#inputs;
    this.#reading(fact);
    return kind === "TrafficPolicy" ? trafficPolicies.list(fact) : faultPolicies.list(fact);
  }

  /** The newest, and why it does not hold. For its own status, which is computed anew whenever it changes. */
  policy(kind: PolicyKind, path: string): JudgedPolicy<PolicyInput> | undefined {
    const { trafficPolicies, faultPolicies } = this.#inputs;
    return kind === "TrafficPolicy" ? trafficPolicies.get(path) : faultPolicies.get(path);
  }

  /** As it was written. */
  route(kind: string, path: string): RouteInput | undefined {
    this.#reading(`route ${kind} ${path}`);
    return this.#inputs.routes.get(`${kind} ${path}`);
  }

  backendTlsPolicy(path: string): BackendTlsPolicyInput | undefined {
    this.#read.add(backendTlsFacts.policy(path));
    return this.#inputs.backendTlsPolicies.get(path);
  }

  /** The older first. */
  backendTlsPoliciesOf(service: string): BackendTlsPolicyInput[] {
    this.#read.add(backendTlsFacts.of(service));
    return this.#inputs.backendTlsPolicies.of(service);
  }

  /** Routes that have the Service among their backends, in no particular order. */
  routesTo(service: string): CompiledRoute[] {
    const fact = backendFact(service);
    this.#read.add(fact);
    return this.#inputs.routesAt(fact);
  }

  /** In no particular order, without the attachments that a route of another kind holds. */
  routesOf(parent: Pick<Attachment, "kind" | "parent">): CompiledRoute[] {
    const fact = parentFact(parent);
    this.#read.add(fact);
    const routes = this.#inputs.routesAt(fact);
    const lost = parent.kind === "Gateway" ? this.#inputs.conflictsAt(parent.parent) : undefined;
    if (lost === undefined || lost.size === 0) return routes;
    return routes.map((route) => ({
      ...route,
      attachments: route.attachments.filter(
        (attachment) => attachment.kind !== "Gateway" || !lost.has(placeKey(route, attachment)),
      ),
    }));
  }

  /** By `placeKey`, what routes of `kind` and their rivals have lost at the Gateway. */
  conflictsAt(gateway: string, kind: RouteKind): ReadonlySet<string> {
    const parent = { kind: "Gateway", parent: gateway } as const;
    if (this.rivalsOf(parent, kind).length === 0) return none;
    this.#read.add(parentFact(parent));
    return this.#inputs.conflictsAt(gateway);
  }

  /** Routes that can take a place at the parent from one of `kind`. */
  rivalsOf(parent: Pick<Attachment, "kind" | "parent">, kind: RouteKind): CompiledRoute[] {
    return rivalKinds(parent.kind, kind).flatMap((rival) => {
      const fact = kindFact(parent, rival);
      this.#read.add(fact);
      return this.#inputs.routesAt(fact);
    });
  }

  judgedRoute(key: string): JudgedRoute | undefined {
    return this.#inputs.judgedRoutes.get(key);
  }

  #reading(fact: string): string {
    this.#read.add(fact);
    return fact;
  }
}

const none: ReadonlySet<string> = new Set();
