/** A route once compiled: what its rules do and where it attaches, whatever else attaches there. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectionRuleSchema, HttpRuleSchema } from "../model/index.ts";
import type { RankedMatch, RouteOrder } from "./precedence.ts";

export type RuleContent = MessageInitShape<typeof HttpRuleSchema>;

export type ConnectionRuleContent = MessageInitShape<typeof ConnectionRuleSchema>;

export type Attachment =
  | {
      readonly kind: "Service";
      /** "namespace/name". */
      readonly parent: string;
      /** Undefined: every port. */
      readonly port: number | undefined;
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

interface CompiledRouteBase extends RouteOrder {
  readonly namespace: string;
  readonly attachments: readonly Attachment[];
  /** False: its rules are served where they can be, and no parent has accepted it. */
  readonly isAccepted: boolean;
}

export interface CompiledHttpRoute extends CompiledRouteBase {
  readonly kind: "HTTPRoute";
  readonly rules: readonly RuleContent[];
  readonly matches: readonly RankedMatch[];
}

export interface CompiledConnectionRoute extends CompiledRouteBase {
  readonly kind: "TLSRoute" | "TCPRoute" | "UDPRoute";
  readonly rules: readonly ConnectionRuleContent[];
}

export type CompiledRoute = CompiledHttpRoute | CompiledConnectionRoute;

export function isHttpRoute(route: CompiledRoute): route is CompiledHttpRoute {
  return route.kind === "HTTPRoute";
}

export function isConnectionRoute(route: CompiledRoute): route is CompiledConnectionRoute {
  return route.kind !== "HTTPRoute";
}

/** Key of the set of routes that attach to a parent. */
export function parentFact(attachment: Pick<Attachment, "kind" | "parent">): string {
  return `routes-of:${attachment.kind}:${attachment.parent}`;
}
