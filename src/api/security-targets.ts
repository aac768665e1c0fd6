/**
 * What policies of security and of rate may be aimed at: targets by name, or workloads by their labels. They are enforced
 * where the request arrives, so that no client has a way around them.
 */
import type { Issue } from "../kernel/index.ts";
import { dnsSubdomain, groupName, labelKey, labelValue, objectName } from "./formats.ts";
import { meshConfigName } from "./mesh-config.ts";
import { checkTargets, maxTargets, type PolicyTarget } from "./policy-targets.ts";
import { gatewayGroup, weftGroup } from "./references.ts";
import { list, object, oneOf, optional, text, textMap, type ValueOf } from "./schema.ts";

export type SecurityTargetKind =
  | "MeshConfig"
  | "Namespace"
  | "Service"
  | "Gateway"
  | "HTTPRoute"
  | "GRPCRoute";

export type SecurityTarget = Omit<PolicyTarget, "hasPool">;

const atRoute =
  "gateways that the route attaches to; under a Service nowhere, since a server does not rely on its caller's choice of route";

/** From the farthest to the nearest. */
export const securityTargets: Readonly<Record<SecurityTargetKind, SecurityTarget>> = {
  MeshConfig: {
    group: weftGroup,
    section: undefined,
    description: `The whole mesh: name ${meshConfigName}, from namespace weft-system only.`,
    enforcedBy: "the own proxy of every workload, and every gateway at its listeners",
  },
  Namespace: {
    group: "",
    section: undefined,
    description: "Every workload and every Gateway of the policy's own namespace.",
    enforcedBy: "the own proxies of the namespace's workloads, and gateways at the listeners of its Gateways",
  },
  Service: {
    group: "",
    section: "port",
    description:
      "Every workload behind the Service, at the ports that the Service, or the named port of it, sends to, by whatever name they are reached.",
    enforcedBy: "the own proxies of the workloads behind the Service",
  },
  Gateway: {
    group: gatewayGroup,
    section: "listener",
    description: "Every listener of the Gateway and of its ListenerSets, or those of one name.",
    enforcedBy: "the proxies that serve the Gateway",
  },
  HTTPRoute: {
    group: gatewayGroup,
    section: "rule",
    description: "The requests of the route, or of one named rule.",
    enforcedBy: atRoute,
  },
  GRPCRoute: {
    group: gatewayGroup,
    section: "rule",
    description: "The calls of the route, or of one named rule.",
    enforcedBy: atRoute,
  },
};

/** Few labels name a group; every workload of the namespace is compared with them. */
const maxLabels = 16;

export const workloadSelector = optional(
  object("Workloads of the policy's namespace. Either this or targetRefs.", {
    matchLabels: textMap("Labels that a workload must have, all of them.", labelKey, labelValue, maxLabels),
  }),
);

export const securityTargetFields = {
  targetRefs: optional(
    list(
      "What the policy is for. Either this or selector.",
      object("A target, in the policy's own namespace.", {
        group: optional(text("API group of the target; the kind's own where absent.", groupName)),
        kind: oneOf("Kind of the target.", [
          "MeshConfig",
          "Namespace",
          "Service",
          "Gateway",
          "HTTPRoute",
          "GRPCRoute",
        ]),
        name: text("Name of the target.", objectName),
        sectionName: optional(
          text("A Service's port, a Gateway's listener or a route's rule, by name.", dnsSubdomain),
        ),
      }),
      { min: 1, max: maxTargets },
    ),
  ),
  selector: workloadSelector,
};
type TargetReferences = NonNullable<ValueOf<(typeof securityTargetFields)["targetRefs"]>>;
type Selector = NonNullable<ValueOf<(typeof securityTargetFields)["selector"]>>;

export interface SecurityTargets {
  readonly targetRefs?: TargetReferences;
  readonly selector?: Selector;
}

export function checkSecurityTargets(aim: SecurityTargets, namespace: string): Issue[] {
  return checkAim(aim, namespace, securityTargets);
}

interface Aim<K extends string> {
  readonly targetRefs?: readonly {
    readonly group?: string;
    readonly kind: K;
    readonly name: string;
    readonly sectionName?: string;
  }[];
  readonly selector?: Selector;
}

/** `rules`: of each kind of target that the policy's schema knows. */
export function checkAim<K extends string>(
  { targetRefs, selector }: Aim<K>,
  namespace: string,
  rules: Readonly<Record<K, Omit<PolicyTarget, "hasPool">>>,
): Issue[] {
  if ((targetRefs === undefined) === (selector === undefined)) {
    return [{ path: "spec", message: "must have exactly one of targetRefs, selector" }];
  }
  if (selector !== undefined && Object.keys(selector.matchLabels).length === 0) {
    const message = "must have a label; the whole namespace is a target of kind Namespace";
    return [{ path: "spec.selector.matchLabels", message }];
  }
  return checkTargets(targetRefs ?? [], namespace, rules);
}
