/**
 * What serving has worked out for one rule: where its requests are counted and, for each of its backends, where they go. It is
 * kept with the rule: of thousands of routes a request touches one, and tables of all of them would be searched outside of the
 * processor's caches.
 */
import { layRequests, type PreparedBackend, type PreparedRule } from "../../decide/index.ts";
import type { Counter, RuleHits } from "../telemetry/index.ts";
import type { Upstreams } from "../upstream/index.ts";
import type { HttpDestination, HttpRefusal } from "./http-service.ts";
import { prepareSession } from "./prepare-session.ts";

/** Of the proxy that carries it. */
export interface CarriedContext {
  readonly ruleHits: RuleHits;
  readonly upstreams: Pick<Upstreams, "cluster">;
}

export class CarriedRule {
  readonly hits: Counter;
  readonly #context: CarriedContext;
  readonly #rule: PreparedRule;
  #only: HttpDestination | undefined = undefined;
  /** Of rules whose requests do not all go the same way. */
  #destinations: Map<PreparedBackend, HttpDestination> | undefined = undefined;

  private constructor(context: CarriedContext, rule: PreparedRule) {
    this.#context = context;
    this.#rule = rule;
    this.hits = context.ruleHits.of(rule);
  }

  static of(context: CarriedContext, rule: PreparedRule): CarriedRule {
    const { carried } = rule;
    if (carried instanceof CarriedRule && carried.#context === context) return carried;
    const created = new CarriedRule(context, rule);
    rule.carried = created;
    return created;
  }

  /** Where each request goes as it came, as most rules have it. Undefined: ask for its backend. */
  get only(): HttpDestination | undefined {
    const only = this.#only;
    const isCurrent =
      only !== undefined && this.#context.upstreams.cluster(only.cluster.key) === only.cluster;
    return isCurrent ? only : undefined;
  }

  /** The same one as long as the backend's cluster is. */
  destination(backend: PreparedBackend): HttpDestination | HttpRefusal {
    const { route, section, admission, telemetry } = this.#rule;
    if (backend.unresolved !== undefined) {
      const detail = backend.unresolved;
      return { reason: "backend_unresolved", detail, route, rule: section, admission, telemetry };
    }
    const cluster = this.#context.upstreams.cluster(backend.cluster);
    if (cluster === undefined) {
      const detail = `cluster ${backend.cluster} is not known here`;
      return { reason: "no_endpoint", detail, route, rule: section, admission, telemetry };
    }
    const known = this.#destinations?.get(backend);
    if (known?.cluster === cluster) return known;
    const rule = this.#rule;
    const destination: HttpDestination = {
      cluster,
      route,
      rule: section,
      admission,
      telemetry,
      requestEdits: backend.requestEdits,
      responseEdits: backend.responseEdits,
      requests: layRequests(rule.requests, cluster.requests),
      faults: rule.faults ?? cluster.faults,
      session: prepareSession(rule.session ?? cluster.session),
      counted: undefined,
      countedAt: undefined,
    };
    this.#keep(backend, destination);
    return destination;
  }

  #keep(backend: PreparedBackend, destination: HttpDestination): void {
    if (this.#rule.backends.length === 1 && backend.changes === undefined) {
      this.#only = destination;
    } else {
      this.#destinations ??= new Map();
      this.#destinations.set(backend, destination);
    }
  }
}
