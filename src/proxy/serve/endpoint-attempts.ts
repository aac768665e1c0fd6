/** The endpoints that one request was given to, one after another: which one has it now, which ones are not asked again. */
import type { UpstreamCluster, UpstreamEndpoint } from "../upstream/index.ts";
import type { HeadEdits } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import { Affinity } from "./affinity.ts";
import type { ClientStream } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import type { HttpDestination, HttpService } from "./http-service.ts";

/** A request is tried on at most this many connections: enough for one dead and one dying endpoint, bounded for storms. */
const maxAttempts = 3;

export class EndpointAttempts {
  count = 0;
  /** Has the request at the moment. */
  current: UpstreamEndpoint | undefined = undefined;
  /** The newest that had it, for the record. */
  last: UpstreamEndpoint | undefined = undefined;
  /** Undefined: nothing of the request has a say in who gets it. */
  #affinity: Affinity | undefined = undefined;
  #tried: UpstreamEndpoint[] | undefined = undefined;

  get hasMore(): boolean {
    return this.count < maxAttempts;
  }

  /** Address and port of the newest, for the log. */
  get place(): string {
    return this.last === undefined ? "" : `${this.last.target.address}:${this.last.target.port}`;
  }

  /** Before the first try. */
  begin(destination: HttpDestination, head: HttpRequest, client: ClientStream, service: HttpService): void {
    this.#affinity = Affinity.of(destination, head, client, service);
  }

  /** Of the answer that `current` gave. */
  responseEdits(edits: HeadEdits | undefined): HeadEdits | undefined {
    const { current } = this;
    return this.#affinity === undefined || current === undefined
      ? edits
      : this.#affinity.responseEdits(edits, current);
  }

  /** Undefined: every endpoint was tried, or there is none. */
  next(context: ServeContext, cluster: UpstreamCluster): UpstreamEndpoint | undefined {
    const endpoint =
      this.#affinity === undefined
        ? cluster.picker.pick(context.clock.monotonicUs(), context.random, this.#tried)
        : this.#affinity.pick(context, cluster, this.#tried);
    if (endpoint === undefined) return undefined;
    this.current = endpoint;
    this.count++;
    endpoint.inFlight++;
    return endpoint;
  }

  release(): void {
    const endpoint = this.current;
    if (endpoint === undefined) return;
    endpoint.inFlight--;
    this.last = endpoint;
    this.current = undefined;
  }

  /** It did not process the request: another one is asked next. Whether there is another. */
  avoid(endpoint: UpstreamEndpoint, cluster: UpstreamCluster): boolean {
    this.#tried ??= [];
    this.#tried.push(endpoint);
    return this.#tried.length < cluster.picker.members.length;
  }
}
