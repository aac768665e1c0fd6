/**
 * Which policies of authorization hold at a place, by docs/reference/policies.md, in the form in which the oracle of
 * authorization (`../authorization/by-the-text.ts`) reads them. Conditions in CEL are that suite's alone.
 */
import { create } from "@bufbuild/protobuf";
import {
  type Authorization,
  AuthorizationAction,
  AuthorizationLevel,
  AuthorizationPolicySchema,
  AuthorizationSchema,
} from "../../../src/model/index.ts";
import { decideByTheText, type Outcome } from "../authorization/by-the-text.ts";
import type { AdmissionRequest } from "../../../src/decide/index.ts";
import {
  type AccessRule,
  type Applied,
  type AuthorizationPolicy,
  type MeshConfig,
  namespaceOf,
  pathOf,
  type Service,
  type TargetRef,
  type Workload,
} from "./applied.ts";
import type { Taken } from "./attachment-by-the-text.ts";

export type Door =
  | { readonly kind: "workload"; readonly workload: Workload; readonly port: number }
  | {
      readonly kind: "gateway";
      readonly gateway: string;
      readonly listener: string;
      readonly taken: Taken | undefined;
      /** Some route of the listener allows what nothing before it allows: then everything is asked at rules. */
      readonly routes: readonly { readonly kind: string; readonly path: string }[];
    };

const actions = {
  Allow: AuthorizationAction.ALLOW,
  Deny: AuthorizationAction.DENY,
  Audit: AuthorizationAction.AUDIT,
} as const;

const { MESH, NAMESPACE, WORKLOAD, ROUTE } = AuthorizationLevel;

/** "allow", or who denied: the policy's path, empty where nothing allowed. */
export function accessByTheText(
  objects: readonly Applied[],
  door: Door,
  request: AdmissionRequest,
  trustDomain: string,
): { readonly isAllowed: boolean; readonly policy: string } {
  const policies = objects.filter((each): each is AuthorizationPolicy => each.kind === "AuthorizationPolicy");
  const security = objects.find((each): each is MeshConfig => each.kind === "MeshConfig")?.spec.security;
  const decide = (levels: readonly AuthorizationLevel[], defaultDeny: boolean): Outcome => {
    const authorization = create(AuthorizationSchema, {
      policies: policiesAt(objects, policies, door).filter(({ level }) => levels.includes(level)),
      defaultDeny,
      unitesLevels: security?.authorizationLevels === "Unite",
    });
    return decideByTheText(authorization, request, { trustDomain, trustDomainAliases: [] });
  };
  const defaultDeny = security?.defaultAuthorization === "Deny";
  const outcomes =
    door.kind === "workload"
      ? [decide([MESH, NAMESPACE, WORKLOAD], defaultDeny)]
      : isAskedTogether(objects, policies, door, security)
        ? door.taken === undefined
          ? []
          : [decide([MESH, NAMESPACE, WORKLOAD, ROUTE], defaultDeny)]
        : [decide([MESH, NAMESPACE, WORKLOAD], defaultDeny), decide([ROUTE], false)];
  const denied = outcomes.find(({ verdict }) => verdict === "deny");
  return { isAllowed: denied === undefined, policy: denied?.by.split(" ")[0] ?? "" };
}

/** "Where a rule's route … allows something where nothing else does, everything is asked at the rules of that listener." */
function isAskedTogether(
  objects: readonly Applied[],
  policies: readonly AuthorizationPolicy[],
  door: Extract<Door, { kind: "gateway" }>,
  security: MeshConfig["spec"]["security"],
): boolean {
  const allows = policies.filter(({ spec }) => spec.action === "Allow" && spec.mode !== "DryRun");
  const isAtRule = allows.some((policy) =>
    (policy.spec.targetRefs ?? []).some(({ kind, name, sectionName }) =>
      door.routes.some((route) => {
        if (route.kind !== kind || route.path !== `${namespaceOf(policy)}/${name}`) return false;
        return sectionName === undefined || hasRule(objects, route, sectionName);
      }),
    ),
  );
  if (!isAtRule) return false;
  if (security?.authorizationLevels === "Unite") return true;
  const before = policiesAt(objects, allows, door).some(({ level }) => level !== ROUTE);
  return security?.defaultAuthorization === "Deny" && !before;
}

function hasRule(
  objects: readonly Applied[],
  route: { readonly kind: string; readonly path: string },
  section: string,
): boolean {
  return objects.some(
    (each) =>
      (each.kind === "HTTPRoute" || each.kind === "GRPCRoute") &&
      each.kind === route.kind &&
      pathOf(each) === route.path &&
      (each.spec.rules ?? []).some((rule, index) => (rule.name ?? `rules[${index}]`) === section),
  );
}

function policiesAt(
  objects: readonly Applied[],
  policies: readonly AuthorizationPolicy[],
  door: Door,
): Authorization["policies"] {
  return policies
    .flatMap((policy) => [...levelsOf(objects, policy, door)].map((level) => ({ policy, level })))
    .toSorted((a, b) => a.level - b.level || (pathOf(a.policy) < pathOf(b.policy) ? -1 : 1))
    .map(({ policy, level }) => messageOf(policy, level));
}

function messageOf(
  policy: AuthorizationPolicy,
  level: AuthorizationLevel,
): Authorization["policies"][number] {
  const { action, mode, rules = [] } = policy.spec;
  return create(AuthorizationPolicySchema, {
    source: { kind: policy.kind, namespace: namespaceOf(policy), name: policy.metadata.name },
    level,
    action: actions[action],
    dryRun: mode === "DryRun",
    rules: rules.map((rule, index) => ruleMessage(rule, index)),
  });
}

function ruleMessage({ name, from = [], to = [] }: AccessRule, index: number) {
  const headers = (patterns: readonly { readonly name: string; readonly value?: string }[] = []) =>
    patterns.map((each) => ({ name: each.name.toLowerCase(), value: each.value ?? "*" }));
  return {
    name: name ?? `rules[${index}]`,
    from: from.map((each) =>
      Object.fromEntries(Object.entries(each).map(([key, value]) => [key, [...value]])),
    ),
    to: to.map(({ headers: wanted, notHeaders, ...rest }) => ({
      ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, [...value]])),
      headers: headers(wanted),
      notHeaders: headers(notHeaders),
    })),
  };
}

/** The levels at which the policy is aimed at this place. */
function levelsOf(
  objects: readonly Applied[],
  policy: AuthorizationPolicy,
  door: Door,
): Set<AuthorizationLevel> {
  const namespace = namespaceOf(policy);
  const levels = new Set<AuthorizationLevel>();
  for (const target of policy.spec.targetRefs ?? []) {
    if (target.kind === "MeshConfig") levels.add(MESH);
    else if (target.kind === "Namespace" && target.name === doorNamespace(door)) levels.add(NAMESPACE);
    else if (door.kind === "gateway" && isGatewayTarget(target, namespace, door)) levels.add(WORKLOAD);
    else if (door.kind === "gateway" && isRuleTarget(target, namespace, door.taken)) levels.add(ROUTE);
    else if (
      door.kind === "workload" &&
      target.kind === "Service" &&
      isServiceTarget(objects, target, namespace, door)
    )
      levels.add(WORKLOAD);
  }
  const wanted = policy.spec.selector?.matchLabels;
  if (wanted !== undefined && door.kind === "workload" && namespaceOf(door.workload) === namespace) {
    const labels = door.workload.metadata.labels ?? {};
    if (Object.entries(wanted).every(([key, value]) => labels[key] === value)) levels.add(WORKLOAD);
  }
  return levels;
}

function doorNamespace(door: Door): string {
  return door.kind === "workload" ? namespaceOf(door.workload) : (door.gateway.split("/")[0] ?? "");
}

function isGatewayTarget(
  { kind, name, sectionName }: TargetRef,
  namespace: string,
  { gateway, listener }: Extract<Door, { kind: "gateway" }>,
): boolean {
  return (
    kind === "Gateway" &&
    `${namespace}/${name}` === gateway &&
    (sectionName === undefined || sectionName === listener)
  );
}

function isRuleTarget(
  { kind, name, sectionName }: TargetRef,
  namespace: string,
  taken: Taken | undefined,
): boolean {
  if (taken === undefined || kind !== taken.route.kind || `${namespace}/${name}` !== pathOf(taken.route))
    return false;
  return sectionName === undefined || sectionName === (taken.rule.name ?? `rules[${taken.index}]`);
}

/** Every workload behind the Service, at the ports that it (or the named port of it) sends to, by whatever name they are reached. */
function isServiceTarget(
  objects: readonly Applied[],
  { name, sectionName }: TargetRef,
  namespace: string,
  { workload, port }: Extract<Door, { kind: "workload" }>,
): boolean {
  const service = objects.find(
    (each): each is Service => each.kind === "Service" && pathOf(each) === `${namespace}/${name}`,
  );
  if (service === undefined || !isBehind(service, workload)) return false;
  return service.spec.ports.some(
    (each) => portAt(workload, each) === port && (sectionName === undefined || each.name === sectionName),
  );
}

/** Of a Service's port, by number or by the name that the workload gives it. */
export function portAt(
  workload: Workload,
  { port, targetPort = port }: Service["spec"]["ports"][number],
): number | undefined {
  if (typeof targetPort === "number") return targetPort;
  return workload.spec.ports.find(({ name }) => name === targetPort)?.port;
}

export function isBehind(service: Service, workload: Workload): boolean {
  const { selector } = service.spec;
  const labels = workload.metadata.labels ?? {};
  return (
    selector !== undefined &&
    namespaceOf(service) === namespaceOf(workload) &&
    Object.entries(selector).every(([key, value]) => labels[key] === value)
  );
}
