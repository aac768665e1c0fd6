/**
 * External services that ask for a name, or whose connections go where their clients meant to go. What a client names in
 * SNI or Host must be one of the service's hosts, for each request anew: a connection that stands is no way to others.
 */
import { ExternalHosts } from "../../decide/index.ts";
import type { PreparedOutbound } from "../agent/index.ts";
import type { UpstreamCluster } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";

interface Dialled {
  readonly address: string;
  readonly port: number;
}

export class ExternalDestination {
  readonly #context: ServeContext;
  readonly #dialled: Dialled | undefined;
  readonly #port: number;
  #outbound: PreparedOutbound["outbound"];
  #hosts: ExternalHosts;

  private constructor(context: ServeContext, { outbound }: PreparedOutbound, dialled: Dialled | undefined) {
    this.#context = context;
    this.#dialled = dialled;
    this.#port = outbound.port;
    this.#outbound = outbound;
    this.#hosts = new ExternalHosts(outbound.hosts, this.isByName);
  }

  /** `dialled`: a real address, undefined for one of the mesh's own. Undefined: the service is an ordinary one. */
  static of(
    context: ServeContext,
    prepared: PreparedOutbound,
    dialled: Dialled | undefined,
  ): ExternalDestination | undefined {
    const { hosts, defaultCluster } = prepared.outbound;
    // Only routes of the service itself lead to such a cluster, which is then its own.
    const isOrdinary =
      hosts.length === 0 && context.agent.snapshot.cluster(defaultCluster)?.original === undefined;
    return isOrdinary ? undefined : new ExternalDestination(context, prepared, dialled);
  }

  /** Only the name that a client says tells where it wants to go. */
  get isByName(): boolean {
    return this.#dialled === undefined;
  }

  /** Nothing can be done without a name. */
  get needsName(): boolean {
    return this.#hosts.needsName;
  }

  /** The newest form of the service. */
  adopt(outbound: PreparedOutbound["outbound"]): void {
    if (this.#outbound === outbound) return;
    this.#outbound = outbound;
    this.#hosts = new ExternalHosts(outbound.hosts, this.isByName);
  }

  /** `name` in lower case; empty: none was said. */
  mayCall(name: string): boolean {
    return this.#hosts.mayCall(name);
  }

  /** Undefined: nowhere. */
  toward(cluster: string, name: string): UpstreamCluster | undefined {
    const { upstreams } = this.#context;
    const { address: host, port } = this.#dialled ?? { address: name, port: this.#port };
    return host === "" ? undefined : upstreams.toward(cluster, { host, port, name });
  }
}
