/**
 * Every admission of the running configuration, prepared. What says the same stays the same: a filter's state (buckets, caches,
 * connections) lives until no admission of its owner has it any more, whatever else about its place changes.
 */
import { createHash } from "node:crypto";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { errorLine } from "../../kernel/index.ts";
import {
  type Admission,
  AdmissionSchema,
  type Authorization,
  AuthorizationSchema,
  type ExternalAuthorization,
  ExternalAuthorizationSchema,
  type JwtAuthentication,
  JwtAuthenticationSchema,
  type Mesh,
  type RateLimit,
  RateLimitSchema,
} from "../../model/index.ts";
import type { Snapshot } from "../agent/index.ts";
import type { AuthorizationParts } from "./authorization-filter.ts";
import type { AdmissionChain } from "./chain.ts";
import type { AdmissionContext } from "./context.ts";
import type { RequestFilter } from "./filter.ts";

/** One for each kind of filter. */
export interface FilterFactories {
  authorization(model: Authorization, parts: AuthorizationParts): RequestFilter;
  jwt(model: JwtAuthentication, context: AdmissionContext): RequestFilter;
  external(model: ExternalAuthorization, context: AdmissionContext): RequestFilter;
  rateLimits(limits: readonly RateLimit[], context: AdmissionContext): RequestFilter;
}

interface Part {
  readonly filter: RequestFilter;
  /** Of the configuration that had it last. */
  generation: number;
}

export class Admissions {
  readonly #context: AdmissionContext;
  readonly #factories: FilterFactories;
  /** By reference, so that a request costs one look. */
  #chains = new WeakMap<Admission, AdmissionChain>();
  /** Of a listener and one of its rules. */
  #joined = new WeakMap<Admission, WeakMap<Admission, readonly RequestFilter[]>>();
  #byContent = new Map<string, AdmissionChain>();
  readonly #parts = new Map<string, Part>();
  /** Counts the configurations that changed something. */
  generation = 0;
  /** By owner and content, so that each is said once. */
  #failures = new Map<string, string>();
  #failedBefore: ReadonlyMap<string, string> = new Map();
  #inbound: Snapshot["inbound"] = undefined;
  #gateways: Snapshot["gateways"] | undefined = undefined;
  #mesh: Mesh | undefined = undefined;

  constructor(context: AdmissionContext, factories: FilterFactories) {
    this.#context = context;
    this.#factories = factories;
  }

  /** Before anything is served by the snapshot. */
  applySnapshot({ inbound, gateways, mesh }: Snapshot): void {
    const isSameTrust = trustOf(mesh) === trustOf(this.#mesh);
    if (inbound === this.#inbound && gateways === this.#gateways && isSameTrust) return;
    this.#inbound = inbound;
    this.#gateways = gateways;
    this.#mesh = mesh;
    this.generation++;
    const before = this.#byContent;
    this.#failedBefore = this.#failures;
    this.#failures = new Map();
    this.#byContent = new Map();
    this.#chains = new WeakMap();
    this.#joined = new WeakMap();
    for (const admission of inbound?.admissions ?? []) this.#add(admission, inbound?.workload ?? "", before);
    for (const gateway of gateways) {
      for (const admission of gateway.admissions) this.#add(admission, gateway.name, before);
    }
    for (const [key, part] of this.#parts) {
      if (part.generation === this.generation) continue;
      this.#parts.delete(key);
      part.filter.close?.();
    }
  }

  /** One that is in no snapshot that was applied lets nothing in: what it asks is not known. */
  chainOf(admission: Admission): AdmissionChain {
    return this.#chains.get(admission) ?? closedChain;
  }

  /** Of both, one after the other. The same list for the same two, until the configuration changes. */
  filtersOf(first: Admission | undefined, second: Admission | undefined): readonly RequestFilter[] {
    if (first === undefined || second === undefined) {
      const only = first ?? second;
      return only === undefined ? [] : this.chainOf(only).filters;
    }
    let behind = this.#joined.get(first);
    if (behind === undefined) this.#joined.set(first, (behind = new WeakMap()));
    let filters = behind.get(second);
    if (filters === undefined) {
      filters = [...this.chainOf(first).filters, ...this.chainOf(second).filters];
      behind.set(second, filters);
    }
    return filters;
  }

  /** What cannot be prepared, whose place refuses everything; empty: nothing. */
  failures(): readonly string[] {
    return [...this.#failures.values()];
  }

  close(): void {
    for (const { filter } of this.#parts.values()) filter.close?.();
    this.#parts.clear();
  }

  #add(admission: Admission, owner: string, before: ReadonlyMap<string, AdmissionChain>): void {
    const key = `${owner} ${trustOf(this.#mesh)} ${hashOf(AdmissionSchema, admission)}`;
    const built = this.#byContent.get(key) ?? this.#build(admission, owner, key);
    // The same object as before: sessions compare it to know whether they are to be asked about again.
    const known = before.get(key);
    const chain = known !== undefined && isSame(known, built) ? known : built;
    this.#byContent.set(key, chain);
    this.#chains.set(admission, chain);
  }

  #build(admission: Admission, owner: string, key: string): AdmissionChain {
    try {
      return this.#chain(admission, owner);
    } catch (error) {
      // Refusing everything is loud; letting everything in is not.
      const line = errorLine(error);
      const said = `${owner}: its policies cannot be prepared, so it refuses everything: ${line}`;
      if (!this.#failedBefore.has(key)) {
        this.#context.log.error("an admission cannot be prepared; its place refuses everything", {
          owner,
          error: line,
        });
      }
      this.#failures.set(key, said);
      return closedChain;
    }
  }

  #chain({ jwt, authorization, rateLimits }: Admission, owner: string): AdmissionChain {
    const { trustDomain = "", trustDomainAliases = [] } = this.#mesh ?? {};
    const filters: RequestFilter[] = [];
    // Where one is required and nobody's is taken, there is none that would do: the filter refuses.
    if (jwt !== undefined && (jwt.providers.length > 0 || jwt.required)) {
      const key = `${owner} jwt ${hashOf(JwtAuthenticationSchema, jwt)}`;
      filters.push(this.#part(key, () => this.#factories.jwt(jwt, this.#context)));
    }
    if (authorization !== undefined) {
      const key = `${owner} authorization ${trustOf(this.#mesh)} ${hashOf(AuthorizationSchema, authorization)}`;
      const externals = new Map<ExternalAuthorization, RequestFilter>();
      for (const { external } of authorization.policies) {
        if (external !== undefined) externals.set(external, this.#external(external, owner));
      }
      const externalFilter = (model: ExternalAuthorization): RequestFilter =>
        externals.get(model) ?? closedFilter;
      filters.push(
        this.#part(key, () =>
          this.#factories.authorization(authorization, { trustDomain, trustDomainAliases, externalFilter }),
        ),
      );
    }
    const standing = [...filters];
    if (rateLimits.length > 0) {
      const key = `${owner} limits ${trustOf(this.#mesh)} ${rateLimits.map((limit) => hashOf(RateLimitSchema, limit)).join(" ")}`;
      filters.push(this.#part(key, () => this.#factories.rateLimits(rateLimits, this.#context)));
    }
    return { filters, standing };
  }

  #external(external: ExternalAuthorization, owner: string): RequestFilter {
    const key = `${owner} external ${hashOf(ExternalAuthorizationSchema, external)}`;
    return this.#part(key, () => this.#factories.external(external, this.#context));
  }

  #part(key: string, make: () => RequestFilter): RequestFilter {
    const known = this.#parts.get(key);
    if (known !== undefined) {
      known.generation = this.generation;
      return known.filter;
    }
    const filter = make();
    this.#parts.set(key, { filter, generation: this.generation });
    return filter;
  }
}

const closedFilter: RequestFilter = {
  start: () => ({
    reason: "internal",
    detail: "what is asked here could not be prepared",
    source: undefined,
  }),
  cancel() {},
};

const closedChain: AdmissionChain = { filters: [closedFilter], standing: [closedFilter] };

function isSame(a: AdmissionChain, b: AdmissionChain): boolean {
  return a.filters.length === b.filters.length && a.filters.every((filter, i) => filter === b.filters[i]);
}

function trustOf(mesh: Mesh | undefined): string {
  return mesh === undefined ? "" : [mesh.trustDomain, ...mesh.trustDomainAliases].join(",");
}

function hashOf<S extends DescMessage>(schema: S, message: MessageShape<S>): string {
  return createHash("sha256").update(toBinary(schema, message)).digest("base64");
}
