/** A route once compiled: what its rules do and where it attaches, whatever else attaches there. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectionRuleSchema, HttpRuleSchema } from "../model/index.ts";
import { clustersOfAdmission } from "./security/asked-clusters.ts";
import type { RankedMatch, RouteOrder } from "./precedence.ts";

export type RuleContent = MessageInitShape<typeof HttpRuleSchema>;

export type ConnectionRuleContent = MessageInitShape<typeof ConnectionRuleSchema>;

export type Attachment =
  | {
      /** Or an ExternalService: of one name only one of the two is in force. */
      readonly kind: "Service";
      /** "namespace/name". */
      readonly parent: string;
      /** Undefined: every port. */
      readonly port: number | undefined;
      /** Server names of a TLSRoute; those of other kinds mean nothing under a Service. */
      readonly hostnames: readonly string[];
    }
  | {
      readonly kind: "Gateway";
      readonly parent: string;
      /** "namespace/name" of the Gateway's ListenerSet that the listener is of; absent: the Gateway's own. */
      readonly set?: string;
      readonly listener: string;
      /** What listener and route have in common; "*" for a route without hostnames at a listener without one. */
      readonly hostnames: readonly string[];
    };

interface CompiledRouteBase<Rule> extends RouteOrder {
  readonly namespace: string;
  readonly attachments: readonly Attachment[];
  readonly rules: readonly Rule[];
  /** Under Services, where no grant is needed; absent where they are the same. */
  readonly meshRules?: readonly Rule[];
  /** False: its rules are served where they can be, and no parent has accepted it. */
  readonly isAccepted: boolean;
}

export interface CompiledHttpRoute extends CompiledRouteBase<RuleContent> {
  readonly kind: "HTTPRoute" | "GRPCRoute";
  readonly matches: readonly RankedMatch[];
}

export interface CompiledConnectionRoute extends CompiledRouteBase<ConnectionRuleContent> {
  readonly kind: "TLSRoute" | "TCPRoute" | "UDPRoute";
}

export type CompiledRoute = CompiledHttpRoute | CompiledConnectionRoute;

export function isHttpRoute(route: CompiledRoute): route is CompiledHttpRoute {
  return route.kind === "HTTPRoute" || route.kind === "GRPCRoute";
}

export function isConnectionRoute(route: CompiledRoute): route is CompiledConnectionRoute {
  return !isHttpRoute(route);
}

/** Key of the set of routes that attach to a parent. */
export function parentFact(attachment: Pick<Attachment, "kind" | "parent">): string {
  return `routes-of:${attachment.kind}:${attachment.parent}`;
}

/** Key of the routes of one kind among them. */
export function kindFact(parent: Pick<Attachment, "kind" | "parent">, kind: CompiledRoute["kind"]): string {
  return `${parentFact(parent)}:${kind}`;
}

/** Key of the routes that have the Service, "namespace/name", among their backends. */
export function backendFact(service: string): string {
  return `routes-to:${service}`;
}

/** Everything by which the route can be found. */
export function factsOf(route: CompiledRoute | undefined): ReadonlySet<string> {
  if (route === undefined) return new Set();
  const { attachments, kind, rules, meshRules = [] } = route;
  return new Set([
    ...attachments.flatMap((attachment) => [parentFact(attachment), kindFact(attachment, kind)]),
    ...clustersOfRules([...rules, ...meshRules]).map((cluster) =>
      backendFact(cluster.slice(0, cluster.lastIndexOf(":"))),
    ),
  ]);
}

/** Clusters that the rules may send to, mirrors included, as often as they are named. */
export function clustersOfRules(rules: readonly (RuleContent | ConnectionRuleContent)[]): string[] {
  return rules
    .flatMap((rule) => [
      ...("admission" in rule ? clustersOfAdmission(rule.admission) : []),
      ...("mirrors" in rule ? (rule.mirrors ?? []).map(({ backend }) => backend?.cluster) : []),
      ...(rule.backends ?? []).flatMap((backend) => [
        backend.cluster,
        ...(backend.mirrors ?? []).map((mirror) => mirror.backend?.cluster),
      ]),
    ])
    .flatMap((cluster) => (cluster === undefined || cluster === "" ? [] : [cluster]));
}
