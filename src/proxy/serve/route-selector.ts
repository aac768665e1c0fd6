/**
 * From a prepared route table to where one request goes. Edits and cluster of a backend are looked up once per
 * configuration; a request costs one match, one draw and one comparison that nothing has changed.
 */
import {
  type HttpRequestView,
  layRequests,
  type PreparedBackend,
  type RouteTable,
  selectBackend,
} from "../../decide/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { ServeContext } from "./context.ts";
import type { HttpDestination, HttpRefusal } from "./http-service.ts";

export class RouteSelector {
  readonly #context: ServeContext;
  readonly #destinations = new WeakMap<PreparedBackend, HttpDestination>();

  constructor(context: ServeContext) {
    this.#context = context;
  }

  select(routes: RouteTable, head: HttpRequest): HttpDestination | HttpRefusal {
    const rule = routes.match(new HeadView(head));
    if (rule === undefined) return { reason: "no_route", detail: "no rule matches", route: "" };
    const backend = selectBackend(rule, this.#context.random());
    if (backend.unresolved !== undefined) {
      return { reason: "backend_unresolved", detail: backend.unresolved, route: rule.route };
    }
    const cluster = this.#context.upstreams.cluster(backend.cluster);
    if (cluster === undefined) {
      return {
        reason: "no_endpoint",
        detail: `cluster ${backend.cluster} is not known here`,
        route: rule.route,
      };
    }
    const known = this.#destinations.get(backend);
    if (known !== undefined && known.cluster === cluster) return known;
    const destination: HttpDestination = {
      cluster,
      route: rule.route,
      requestEdits: backend.requestEdits,
      responseEdits: backend.responseEdits,
      requests: layRequests(rule.requests, cluster.requests),
    };
    this.#destinations.set(backend, destination);
    return destination;
  }
}

class HeadView implements HttpRequestView {
  readonly #head: HttpRequest;

  constructor(head: HttpRequest) {
    this.#head = head;
  }

  get method(): string {
    return this.#head.method;
  }

  get path(): string {
    return this.#head.path;
  }

  get query(): string {
    return this.#head.query;
  }

  header(nameLower: string): string | undefined {
    return this.#head.get(nameLower);
  }
}
