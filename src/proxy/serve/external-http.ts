/** HTTP from the local application to an external service that asks for a name: which one is checked for each request. */
import { hostnameOf } from "../../decide/index.ts";
import type { HeaderLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "../upstream/index.ts";
import type { ExternalDestination } from "./external-destination.ts";
import type { HttpDestination, HttpSelection, HttpService } from "./http-service.ts";
import type { OutboundHttp } from "./outbound-http.ts";

export class ExternalHttp implements HttpService {
  readonly direction = "outbound";
  readonly tellsUnprocessed = false;
  readonly trustsTry = true;
  readonly scheme = "http";
  readonly servesConnect = true;
  readonly takesGrpcWeb = false;
  readonly sourceIdentity: string;
  readonly #inner: OutboundHttp;
  readonly #external: ExternalDestination;
  /** The last answer: most connections ask for one name and one destination. */
  #selected: HttpDestination | undefined;
  #cluster: UpstreamCluster | undefined;
  #answer: HttpDestination | undefined;

  constructor(inner: OutboundHttp, external: ExternalDestination) {
    this.sourceIdentity = inner.sourceIdentity;
    this.#inner = inner;
    this.#external = external;
  }

  select(head: HttpRequest, requestId: string): HttpSelection {
    const selected = this.#inner.select(head, requestId);
    this.#external.adopt(this.#inner.outbound);
    const name = hostnameOf(head.authority);
    if (!this.#external.mayCall(name)) {
      const detail =
        name === "" ? "the request names no host" : "the request's host is none of the service's";
      return { reason: "destination_denied", detail, route: "" };
    }
    if (!("cluster" in selected)) return selected;
    const cluster = this.#external.toward(selected.cluster.key, name);
    if (cluster === undefined) {
      return { reason: "overloaded", detail: "too many destinations at once", route: selected.route };
    }
    if (cluster === selected.cluster) return selected;
    if (this.#answer === undefined || this.#selected !== selected || this.#cluster !== cluster) {
      this.#selected = selected;
      this.#cluster = cluster;
      this.#answer = { ...selected, cluster };
    }
    return this.#answer;
  }

  addLines(head: HttpRequest, lines: HeaderLine[]): void {
    this.#inner.addLines(head, lines);
  }

  edge(selected: HttpSelection | undefined, endpoint: UpstreamEndpoint | undefined): EdgeSeries {
    return this.#inner.edge(selected, endpoint);
  }
}
