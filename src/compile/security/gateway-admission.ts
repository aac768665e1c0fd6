/**
 * What a Gateway asks: at each listener, and at the rules of requests behind the listener's. Rules of routes that say
 * more than "this too" (other issuers, or allows where nothing else may be allowed) need all questions in one place: there
 * the listener asks nothing but its own limits, and each rule asks everything.
 */
import { create } from "@bufbuild/protobuf";
import { AdmissionSchema, AuthorizationAction } from "../../model/index.ts";
import {
  type CompiledHttpRoute,
  isHttpRoute,
  type CompiledRoute,
  type RuleContent,
} from "../compiled-route.ts";
import type { InputReader } from "../inputs.ts";
import { type AdmissionContent, admissionAt, AdmissionTable } from "./admission.ts";
import { clustersOfAdmission } from "./asked-clusters.ts";
import { isDeciding } from "./authorization.ts";
import { listenerPlace, rulePlace } from "./places.ts";
import type { PreparedLimit } from "./rate-limits.ts";
import type { Place } from "./aimed-policies.ts";

export class GatewayAdmissions {
  readonly table = new AdmissionTable();
  readonly #inputs: InputReader;
  readonly #gateway: string;
  readonly #ruleClusters = new Set<string>();

  /** `gateway`: "namespace/name". */
  constructor(inputs: InputReader, gateway: string) {
    this.#inputs = inputs;
    this.#gateway = gateway;
  }

  /** Of TCP and TLS: nothing behind the listener asks anything. */
  connections(listener: string): number {
    return this.table.add(admissionAt(this.#inputs, listenerPlace(this.#gateway, listener)));
  }

  /** `attached`: the routes at the listener. */
  requests(listener: string, attached: readonly CompiledRoute[]): RequestAdmission {
    const place = listenerPlace(this.#gateway, listener);
    const routes = attached.filter(isHttpRoute);
    const isTogether = routes.some((route) =>
      route.rules.some((rule) => this.#needsTogether(place, placeOf(route, rule))),
    );
    const counts = (limit: PreparedLimit): boolean => !isTogether || !limit.needsToken;
    return {
      index: this.table.add(admissionAt(this.#inputs, place, { counts, limitsOnly: isTogether })),
      withAdmissions: (route) => ({
        ...route,
        rules: route.rules.map((rule) => this.#withAdmission(route, rule, isTogether ? place : undefined)),
      }),
    };
  }

  /** Whom listeners and rules ask. */
  get clusters(): string[] {
    return [...this.table.clusters, ...this.#ruleClusters];
  }

  #needsTogether(listener: Place, rule: Place): boolean {
    const { security } = this.#inputs;
    if (security.authenticationAt(rule).some(({ value }) => value.policy.spec.jwt !== undefined)) return true;
    if (!this.#allows(rule)) return false;
    const { authorizationLevels, defaultAuthorization } = this.#inputs.securitySettings();
    return authorizationLevels === "Unite" || (defaultAuthorization === "Deny" && !this.#allows(listener));
  }

  #allows(place: Place): boolean {
    return this.#inputs.security
      .authorizationAt(place)
      .some(({ value }) => value.content.action === AuthorizationAction.ALLOW && isDeciding(value));
  }

  /** `listener`: its questions are asked here too. */
  #withAdmission(route: CompiledHttpRoute, rule: RuleContent, listener: Place | undefined): RuleContent {
    const own = placeOf(route, rule);
    const place = listener === undefined ? own : { spots: [...listener.spots, ...own.spots] };
    const content = admissionAt(this.#inputs, place, {
      extra: [...(rule.admission?.authorization?.policies ?? [])],
      isSecond: listener === undefined,
      counts: (limit) => listener === undefined || limit.needsToken,
    });
    if (content === undefined) return rule;
    const counted = listener === undefined ? content : this.#withOwnLimits(content, own);
    for (const cluster of clustersOfAdmission(counted)) this.#ruleClusters.add(cluster);
    return { ...rule, admission: create(AdmissionSchema, counted) };
  }

  /** Those of the listener that need no token stay there; those of the route are counted here, whatever they need. */
  #withOwnLimits(content: AdmissionContent, own: Place): AdmissionContent {
    const limits = admissionAt(this.#inputs, own, { limitsOnly: true, counts: (limit) => !limit.needsToken });
    return { ...content, rateLimits: [...(content.rateLimits ?? []), ...(limits?.rateLimits ?? [])] };
  }
}

export interface RequestAdmission {
  /** Of the listener. */
  readonly index: number;
  readonly withAdmissions: (route: CompiledHttpRoute) => CompiledHttpRoute;
}

function placeOf({ kind, namespace, path }: CompiledHttpRoute, { source }: RuleContent): Place {
  const name = path.slice(namespace.length + 1);
  return rulePlace(kind, namespace, name, source?.section ?? "");
}
