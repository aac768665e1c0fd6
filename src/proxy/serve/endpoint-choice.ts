/** Which endpoint of its cluster one request goes to next: not one that was tried, while there are others. */
import type { HeadEdits } from "../../http1/index.ts";
import { newestView, type UpstreamCluster, type UpstreamEndpoint } from "../upstream/index.ts";
import type { Affinity } from "./affinity.ts";
import type { ServeContext } from "./context.ts";

export class EndpointChoice {
  #cluster: UpstreamCluster;
  readonly #affinity: Affinity | undefined;
  #tried: UpstreamEndpoint[] | undefined;

  /** `affinity` undefined: nothing of the request has a say in who gets it. */
  constructor(cluster: UpstreamCluster, affinity: Affinity | undefined) {
    this.#cluster = newestView(cluster);
    this.#affinity = affinity;
    this.#tried = undefined;
  }

  /** Where all were tried, any of them once more. Undefined: there is none. */
  pick(context: ServeContext, nowUs: number): UpstreamEndpoint | undefined {
    const endpoint = this.#pickUntried(context, nowUs);
    if (endpoint !== undefined || this.#tried === undefined) return endpoint;
    this.#tried = undefined;
    return this.#pickUntried(context, nowUs);
  }

  /** Endpoints come and go while a try is under way: the next one is made on one of those that there are now. */
  renew(): void {
    const newest = newestView(this.#cluster);
    if (newest === this.#cluster) return;
    this.#cluster = newest;
    const tried = this.#tried;
    this.#tried = undefined;
    if (tried !== undefined) for (const endpoint of tried) this.avoid(endpoint);
  }

  avoid(endpoint: UpstreamEndpoint): void {
    // The same place may have been given new pools since.
    const known = this.#cluster.picker.members.find(
      (member) =>
        member === endpoint ||
        (member.workload === endpoint.workload && member.isSamePlace(endpoint.endpoint)),
    );
    if (known === undefined) return;
    this.#tried ??= [];
    if (!this.#tried.includes(known)) this.#tried.push(known);
  }

  get hasOther(): boolean {
    return (this.#tried?.length ?? 0) < this.#cluster.picker.members.length;
  }

  /** Of the answer that `endpoint` gave: `edits`, and what keeps the client with it. */
  responseEdits(endpoint: UpstreamEndpoint, edits: HeadEdits | undefined): HeadEdits | undefined {
    return this.#affinity === undefined ? edits : this.#affinity.responseEdits(edits, endpoint);
  }

  #pickUntried(context: ServeContext, nowUs: number): UpstreamEndpoint | undefined {
    return this.#affinity === undefined
      ? this.#cluster.picker.pick(nowUs, context.random, this.#tried)
      : this.#affinity.pick(context, this.#cluster, this.#tried);
  }
}
