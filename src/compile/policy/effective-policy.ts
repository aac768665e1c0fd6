/** Which policies hold for a Service's port and for a route's rule, and what they make of it together. */
import { meshConfigName, milliseconds } from "../../api/index.ts";
import { clusterKey, type ClusterSchema, type HttpRuleSchema } from "../../model/index.ts";
import type { InputReader } from "../inputs.ts";
import { compileFaults } from "./faults.ts";
import { leaves, leavesOf, mergeSettings } from "./merge-settings.ts";
import type { FaultPolicyInput, PolicyInput, TrafficPolicyInput, TrafficSettings } from "./policy-input.ts";
import { type Target, targetOf } from "./policy-index.ts";
import {
  compileBalancing,
  compileConcurrency,
  compileConnections,
  compileHealthCheck,
  compileLocality,
  compileOutlier,
} from "./pool-policy.ts";
import { compileBudget, compileRequests, said } from "./request-policy.ts";
import type { RouteSettings } from "./route-settings.ts";
import { compileSession } from "../session-persistence.ts";
import type { InitOf } from "../resource.ts";

type ClusterContent = InitOf<typeof ClusterSchema>;

const meshTarget: Target = { kind: "MeshConfig", namespace: "", name: meshConfigName };

/** Fields of the cluster that policies decide; those that none mentions are absent. */
export function clusterPolicy(
  inputs: InputReader,
  target: Target & { readonly kind: "Service" | "ExternalService" },
  port: { readonly name: string; readonly port: number },
): ClusterContent {
  const { namespace, name } = target;
  const places = clusterPlaces(target, port.name);
  const settings = mergeSettings(layersAt(places, (at) => inputs.trafficPoliciesAt(at)).map(settingsOf));
  const { connections, balancing, locality, sessionPersistence, outlierDetection } = settings;
  const { healthCheck, adaptiveConcurrency } = settings;
  const faults = compileFaults(nearestFaults(inputs, places));
  const content = said<ClusterContent>({
    connectTimeoutMs: milliseconds(connections?.connectTimeout),
    idleTimeoutMs: milliseconds(connections?.idleTimeout),
    maxConnectionsPerEndpoint: connections?.maxConnectionsPerEndpoint,
    maxPendingRequests: connections?.maxPendingRequests,
    requests: compileRequests(settings),
    retryBudget: compileBudget(settings.retries),
    balancing: balancing && compileBalancing(balancing),
    locality: locality && compileLocality(locality),
    session: sessionPersistence && compileSession(sessionPersistence, clusterKey(namespace, name, port.port)),
    connections: connections && compileConnections(connections),
    outlier: outlierDetection && compileOutlier(outlierDetection),
    healthCheck: healthCheck && compileHealthCheck(healthCheck),
    concurrency: adaptiveConcurrency && compileConcurrency(adaptiveConcurrency),
    faults: faults.length === 0 ? undefined : faults,
  });
  return content ?? {};
}

export interface RuleOwner {
  readonly kind: "HTTPRoute" | "GRPCRoute";
  readonly namespace: string;
  readonly name: string;
  /** Undefined where the rule has none; then no policy can be aimed at it alone. */
  readonly ruleName: string | undefined;
}

/** Fields of the rule that policies and the route itself decide. */
export function rulePolicy(
  inputs: InputReader,
  owner: RuleOwner,
  { own, implied }: RouteSettings,
): Pick<InitOf<typeof HttpRuleSchema>, "requests" | "session" | "faults"> {
  const { kind, namespace, name, ruleName } = owner;
  const places = rulePlaces(owner);
  const layers = layersAt(places, (at) => inputs.trafficPoliciesAt(at));
  const settings = mergeSettings([own, ...layers.map(settingsOf), implied]);
  const { sessionPersistence: session } = settings;
  const requests = compileRequests(settings);
  const faults = compileFaults(nearestFaults(inputs, places));
  return {
    ...(requests === undefined ? {} : { requests }),
    ...(session === undefined
      ? {}
      : { session: compileSession(session, `${kind} ${namespace}/${name} ${ruleName ?? ""}`) }),
    ...(faults.length === 0 ? {} : { faults }),
  };
}

/** Who says something about how requests are carried, and about which fields: "timeouts.request", "retries.on". */
export interface SettingSource {
  readonly kind: "TrafficPolicy" | RuleOwner["kind"];
  readonly namespace: string;
  readonly name: string;
  /** Of a rule: its name or place; empty: of no rule. */
  readonly section: string;
  readonly fields: ReadonlySet<string>;
}

/** The nearest first: of a field the first one that says it has it (`mergeSettings`). */
export function clusterSettingSources(
  inputs: InputReader,
  target: Target & { readonly kind: "Service" | "ExternalService" },
  port: string,
): SettingSource[] {
  return layersAt(clusterPlaces(target, port), (at) => inputs.trafficPoliciesAt(at)).map(sourceOf);
}

/** `section`: as the rule's compiled source has it. */
export function ruleSettingSources(
  inputs: InputReader,
  owner: RuleOwner,
  { own, implied }: RouteSettings,
  section: string,
): SettingSource[] {
  const { kind, namespace, name } = owner;
  const ofRule = (settings: TrafficSettings): SettingSource => ({
    ...{ kind, namespace, name, section },
    fields: new Set(leavesOf(settings, "")),
  });
  const layers = layersAt(rulePlaces(owner), (at) => inputs.trafficPoliciesAt(at));
  return [ofRule(own), ...layers.map(sourceOf), ofRule(implied)];
}

function sourceOf(policy: TrafficPolicyInput): SettingSource {
  const { kind, metadata } = policy;
  const { namespace, name } = metadata;
  return { kind, namespace, name, section: "", fields: new Set(leaves(policy)) };
}

function clusterPlaces(
  target: Target & { readonly kind: "Service" | "ExternalService" },
  port: string,
): readonly Place[] {
  const { namespace } = target;
  return [
    { target, section: port },
    { target },
    { target: { kind: "Namespace", namespace, name: namespace } },
    { target: meshTarget },
  ];
}

function rulePlaces({ kind, namespace, name, ruleName }: RuleOwner): readonly Place[] {
  const target: Target = { kind, namespace, name };
  return ruleName === undefined ? [{ target }] : [{ target, section: ruleName }, { target }];
}

interface Place {
  readonly target: Target;
  /** Undefined: the whole of it. */
  readonly section?: string;
}

/** Nearest first, and of one place the older first. */
function layersAt(
  places: readonly Place[],
  policiesAt: (target: Target) => readonly TrafficPolicyInput[],
): TrafficPolicyInput[] {
  return places.flatMap((place) => policiesAt(place.target).filter((policy) => isAimedAt(policy, place)));
}

function settingsOf({ spec }: TrafficPolicyInput): TrafficSettings {
  const { targetRefs: _, ...settings } = spec;
  return settings;
}

function nearestFaults(inputs: InputReader, places: readonly Place[]): FaultPolicyInput | undefined {
  for (const place of places) {
    const nearest = inputs.faultPoliciesAt(place.target).find((policy) => isAimedAt(policy, place));
    if (nearest !== undefined) return nearest;
  }
  return undefined;
}

/** A port without a name has no policy of its own. */
function isAimedAt(policy: PolicyInput, { target, section }: Place): boolean {
  if (section === "") return false;
  return policy.spec.targetRefs.some((reference) => {
    const at = targetOf(policy, reference);
    return (
      at.kind === target.kind &&
      at.namespace === target.namespace &&
      at.name === target.name &&
      reference.sectionName === section
    );
  });
}
