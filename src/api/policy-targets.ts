/**
 * What a policy may be aimed at (GEP-713). One declaration a kind of target: schema, checks and the reference's table of
 * policies read it. Targets lie in the policy's own namespace, but for the mesh.
 */
import type { Issue } from "../kernel/index.ts";
import { dnsSubdomain, groupName, objectName } from "./formats.ts";
import { meshConfigName } from "./mesh-config.ts";
import { gatewayGroup, weftGroup } from "./references.ts";
import { list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

export type PolicyTargetKind =
  | "MeshConfig"
  | "Namespace"
  | "Service"
  | "ExternalService"
  | "HTTPRoute"
  | "GRPCRoute";

export interface PolicyTarget {
  readonly group: string;
  /** What `sectionName` names; undefined: it has no meaning there. */
  readonly section: string | undefined;
  /** A pool of endpoints belongs to it, or to Services below it. */
  readonly hasPool: boolean;
  readonly description: string;
  /** Which proxies do what a policy at it says. */
  readonly enforcedBy: string;
}

const callers = "every proxy that sends to";
const atRoute = "proxies where the route holds: callers' sidecars under a Service, gateways under a Gateway";

/** From the farthest to the nearest. */
export const policyTargets: Readonly<Record<PolicyTargetKind, PolicyTarget>> = {
  MeshConfig: {
    group: "weft.dev",
    section: undefined,
    hasPool: true,
    description: `The whole mesh: name ${meshConfigName}, from namespace weft-system only.`,
    enforcedBy: `${callers} a Service: callers' sidecars and gateways`,
  },
  Namespace: {
    group: "",
    section: undefined,
    hasPool: true,
    description: "Every Service and ExternalService of the policy's own namespace.",
    enforcedBy: `${callers} a Service of the namespace`,
  },
  Service: {
    group: "",
    section: "port",
    hasPool: true,
    description: "The Service, or one port of it.",
    enforcedBy: `${callers} the Service`,
  },
  ExternalService: {
    group: weftGroup,
    section: "port",
    hasPool: true,
    description: "The ExternalService, or one port of it.",
    enforcedBy: `${callers} the ExternalService`,
  },
  HTTPRoute: {
    group: gatewayGroup,
    section: "rule",
    hasPool: false,
    description: "The requests of the route, or of one named rule.",
    enforcedBy: atRoute,
  },
  GRPCRoute: {
    group: gatewayGroup,
    section: "rule",
    hasPool: false,
    description: "The calls of the route, or of one named rule.",
    enforcedBy: atRoute,
  },
};

/** Where policies for the whole mesh live, as the control plane does. */
const meshNamespace = "weft-system";

/** Gateway API's bound. */
export const maxTargets = 16;

export const targetReferencesSchema = list(
  "What the policy is for. The nearest target wins, field by field: mesh, Namespace, Service, its port, route, rule.",
  object("A target, in the policy's own namespace.", {
    group: optional(text("API group of the target; the kind's own where absent.", groupName)),
    kind: oneOf("Kind of the target.", [
      "MeshConfig",
      "Namespace",
      "Service",
      "ExternalService",
      "HTTPRoute",
      "GRPCRoute",
    ]),
    name: text("Name of the target.", objectName),
    sectionName: optional(text("A Service's port or a route's rule, by name.", dnsSubdomain)),
  }),
  { min: 1, max: maxTargets },
);
export type PolicyTargetReference = ValueOf<typeof targetReferencesSchema>[number];

/** What a check reads of a kind of target. */
type TargetRules = Pick<PolicyTarget, "group" | "section">;
interface Reference<K extends string> {
  readonly group?: string;
  readonly kind: K;
  readonly name: string;
  readonly sectionName?: string;
}

/** `rules`: of each kind of target that the policy's schema knows. */
export function checkTargets<K extends string>(
  targets: readonly Reference<K>[],
  namespace: string,
  rules: Readonly<Record<K, TargetRules>>,
): Issue[] {
  const sections = new Map<string, (string | undefined)[]>();
  return targets.flatMap((target, index) => {
    const path = `spec.targetRefs[${index}]`;
    const key = `${target.kind}/${target.name}`;
    const known = sections.get(key) ?? [];
    sections.set(key, [...known, target.sectionName]);
    return [
      ...checkTarget(target, rules[target.kind], namespace, path),
      ...checkDistinct(target, known, path),
    ];
  });
}

function checkTarget(
  target: Reference<string>,
  { group, section }: TargetRules,
  namespace: string,
  path: string,
): Issue[] {
  const issues: Issue[] = [];
  if (target.group !== undefined && target.group !== group) {
    issues.push({ path: `${path}.group`, message: `must be "${group}" for ${target.kind}, or absent` });
  }
  if (target.sectionName !== undefined && section === undefined) {
    issues.push({
      path: `${path}.sectionName`,
      message: `must be absent; a ${target.kind} has no sections`,
    });
  }
  if (target.kind === "MeshConfig") {
    if (target.name !== meshConfigName)
      issues.push({ path: `${path}.name`, message: `must be ${meshConfigName}` });
    if (namespace !== meshNamespace) {
      issues.push({
        path: `${path}.kind`,
        message: `a policy for the whole mesh must be in namespace ${meshNamespace}`,
      });
    }
  }
  if (target.kind === "Namespace" && target.name !== namespace) {
    issues.push({ path: `${path}.name`, message: `must be the policy's own namespace, ${namespace}` });
  }
  return issues;
}

/** Gateway API: targets must be distinct, by their names or by the sections of one. */
function checkDistinct(
  { sectionName }: Reference<string>,
  known: readonly (string | undefined)[],
  path: string,
): Issue[] {
  if (known.length === 0) return [];
  if (sectionName === undefined && known.includes(undefined))
    return [{ path, message: "the target is listed twice" }];
  if ((sectionName === undefined) !== (known[0] === undefined)) {
    return [
      {
        path: `${path}.sectionName`,
        message: "must be given in every reference to a target that is listed twice",
      },
    ];
  }
  return known.includes(sectionName)
    ? [{ path: `${path}.sectionName`, message: "the section is listed twice" }]
    : [];
}
