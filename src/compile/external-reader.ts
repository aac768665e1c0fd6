/** What there is of ExternalServices for one computation, noting what it reads. Of those in force unless it says otherwise. */
import type { Prefix } from "../kernel/index.ts";
import { type ExternalServiceInput, externalFacts, type ExternalServices } from "./external-services.ts";
import { pathOf } from "./object-path.ts";

export class ExternalReader {
  readonly #services: ExternalServices;
  readonly #read: Set<string>;
  readonly #isService: (path: string) => boolean;

  /** What is read is added to `read`. */
  constructor(services: ExternalServices, read: Set<string>, isService: (path: string) => boolean) {
    this.#services = services;
    this.#read = read;
    this.#isService = isService;
  }

  /** Undefined too where a Service has the name: their keys would be the same, and the Service has them. */
  service(path: string): ExternalServiceInput | undefined {
    const external = this.written(path);
    return external === undefined || this.#isService(path) ? undefined : external;
  }

  /** As it is written, in force or not. */
  written(path: string): ExternalServiceInput | undefined {
    this.#read.add(externalFacts.service(path));
    return this.#services.get(path);
  }

  /** Who has the host of all that claim it, as they write it: a wildcard is a host of its own. */
  hostOwner(host: string): ExternalServiceInput | undefined {
    this.#read.add(externalFacts.host(host));
    return this.#services.claimantsOf(host).find((claimant) => this.#isInForce(claimant));
  }

  /** Whose virtual address it is. */
  virtualOwner(ip: string): ExternalServiceInput | undefined {
    this.#read.add(externalFacts.addressed(ip));
    const owner = this.#services.virtualOwner(ip);
    return owner !== undefined && this.#isInForce(owner) ? owner : undefined;
  }

  /** For each prefix that holds the address, the longest first, those that claim it, the older first. */
  prefixOwners(ip: string): ExternalServiceInput[][] {
    this.#read.add(externalFacts.prefixes);
    return this.#services
      .claimantsAt(ip)
      .map((claimants) => claimants.filter((claimant) => this.#isInForce(claimant)));
  }

  /** Those that claim exactly this prefix, the older first. */
  prefixClaimants(prefix: Prefix): ExternalServiceInput[] {
    this.#read.add(externalFacts.prefixes);
    return this.#services.claimantsOfPrefix(prefix).filter((claimant) => this.#isInForce(claimant));
  }

  /** Of all. */
  prefixes(): string[] {
    this.#read.add(externalFacts.prefixes);
    return this.#services.prefixes();
  }

  /** Some name leads to a virtual address. */
  get hasNames(): boolean {
    this.#read.add(externalFacts.names);
    return this.#services.hasNames;
  }

  #isInForce(external: ExternalServiceInput): boolean {
    return this.service(pathOf(external)) !== undefined;
  }
}
