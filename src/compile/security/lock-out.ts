/**
 * What policies shut, told from their words alone and before they are in force: places that everybody, or every gateway, is
 * denied, that nothing is allowed at, or whose plaintext callers have no certificate. Whatever depends on a request
 * (operations, conditions, single callers) is taken to leave something open, so that what is found is really shut.
 */
import { matchLabels, type MeshConfig, type ObjectOfKind } from "../../api/index.ts";
import { fitsTextPattern, parseTextPattern, runAtOnce, type Steps } from "../../kernel/index.ts";
import { pathOf } from "../object-path.ts";
import { effectiveMode } from "./authentication.ts";
import { type Level, levels } from "./aimed-policies.ts";

type Authorization = ObjectOfKind<"AuthorizationPolicy">;
type Authentication = ObjectOfKind<"AuthenticationPolicy">;
type Rule = Authorization["spec"]["rules"][number];
type Caller = NonNullable<Rule["from"]>[number];

export interface MeshState {
  readonly meshConfig: MeshConfig;
  readonly authorization: readonly Authorization[];
  readonly authentication: readonly Authentication[];
  readonly workloads: readonly ObjectOfKind<"MeshWorkload">[];
  readonly services: readonly ObjectOfKind<"Service">[];
  readonly gateways: readonly ObjectOfKind<"Gateway">[];
  /** "namespace/name" of workloads to which somebody comes without a certificate. */
  readonly plaintextCallers: ReadonlySet<string>;
}

/** Workloads that no policy tells apart, or a Gateway. */
interface Place {
  readonly kind: "workload" | "gateway";
  readonly namespace: string;
  /** Of its members, in order. */
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it is behind the Service of its namespace. */
  isBehind(service: string): boolean;
}

/** What is shut, for people, by what tells it apart. */
export function findLockOuts(state: MeshState): Map<string, string> {
  return runAtOnce(lockOutsInSteps(state));
}

/** Workloads that are sorted in a step of `lockOutsInSteps`. */
const workloadsOfStep = 256;

/** The same in steps of less than a few milliseconds. */
export function* lockOutsInSteps(state: MeshState): Steps<Map<string, string>> {
  const found = new Map<string, string>();
  for (const place of [...(yield* workloadPlaces(state)), ...gatewayPlaces(state)]) {
    yield;
    const name = placeName(place);
    for (const what of [...deniedAt(state, place), ...unallowedAt(state, place), ...strictAt(state, place)]) {
      found.set(`${what} ${place.kind} ${place.namespace} ${place.names.join(" ")}`, `${what} at ${name}`);
    }
  }
  return found;
}

function* workloadPlaces({ workloads, services }: MeshState): Steps<Place[]> {
  const groups = new Map<string, MeshState["workloads"][number][]>();
  for (const [index, workload] of workloads.entries()) {
    if (index % workloadsOfStep === 0) yield;
    const { namespace, labels } = workload.metadata;
    const sorted = Object.entries(labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const text = JSON.stringify([namespace, sorted]);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [workload]);
    else group.push(workload);
  }
  const known = new Map(services.map((service) => [pathOf(service), service]));
  yield;
  return [...groups.values()].flatMap((members): Place[] => {
    const [first] = members;
    if (first === undefined) return [];
    const { namespace, labels = {} } = first.metadata;
    return [
      {
        kind: "workload",
        namespace,
        names: members.map(({ metadata }) => metadata.name).toSorted(),
        labels,
        isBehind: (name) => {
          const service = known.get(`${namespace}/${name}`);
          return service !== undefined && matchLabels(service.spec.selector, labels);
        },
      },
    ];
  });
}

function gatewayPlaces({ gateways }: MeshState): Place[] {
  return gateways.map(({ metadata: { namespace, name } }) => ({
    kind: "gateway",
    namespace,
    names: [name],
    labels: {},
    isBehind: () => false,
  }));
}

function placeName({ kind, namespace, names }: Place): string {
  const [first = ""] = names;
  const more = names.length > 1 ? ` and ${names.length - 1} more` : "";
  return `${kind === "gateway" ? "Gateway " : ""}${namespace}/${first}${more}`;
}

/** Undefined: it is not for the place, or for a part of it only. */
function levelAt({ metadata, spec }: Authorization | Authentication, place: Place): Level | undefined {
  const isOwn = metadata.namespace === place.namespace;
  if (spec.selector !== undefined) {
    const isChosen =
      isOwn && place.kind === "workload" && matchLabels(spec.selector.matchLabels, place.labels);
    return isChosen ? levels.workload : undefined;
  }
  for (const { kind, name, sectionName } of spec.targetRefs ?? []) {
    if (kind === "MeshConfig") return levels.mesh;
    if (!isOwn || sectionName !== undefined) continue;
    if (kind === "Namespace") return levels.namespace;
    if (kind === "Service" && place.isBehind(name)) return levels.workload;
    if (kind === "Gateway" && place.kind === "gateway" && place.names.includes(name)) return levels.workload;
  }
  return undefined;
}

function inForce({ authorization }: MeshState, action: string): Authorization[] {
  return authorization.filter(({ spec }) => spec.action === action && spec.mode === "Enforce");
}

function deniedAt(state: MeshState, place: Place): string[] {
  const accounts = place.kind === "workload" ? state.meshConfig.spec.gatewayServiceAccounts : [];
  return inForce(state, "Deny").flatMap((policy) => {
    if (levelAt(policy, place) === undefined) return [];
    const name = `AuthorizationPolicy ${pathOf(policy)}`;
    const rules = policy.spec.rules.filter(({ to, when }) => to === undefined && when === undefined);
    if (rules.some(isForEverybody)) return [`${name} denies everything to everybody`];
    const shut = accounts.filter((account) => rules.some((rule) => isFor(rule, account)));
    return shut.map((account) => `${name} denies everything to the gateways of ${account}`);
  });
}

function isForEverybody({ from }: Rule): boolean {
  return from === undefined || from.some((caller) => Object.values(caller).every(isEverything));
}

function isEverything(values: readonly unknown[]): boolean {
  return values.includes("*") || (values.includes("0.0.0.0/0") && values.includes("::/0"));
}

/** `account`: "namespace/name". */
function isFor({ from = [] }: Rule, account: string): boolean {
  const [namespace = "", name = ""] = account.split("/");
  const texts: Partial<Record<keyof Caller, string>> = {
    identities: `ns/${namespace}/sa/${name}`,
    namespaces: namespace,
    serviceAccounts: account,
  };
  return from.some((caller) => {
    const fields = Object.entries(caller);
    return fields.every(([field, values]) => {
      const text =
        field === "identities" || field === "namespaces" || field === "serviceAccounts"
          ? texts[field]
          : undefined;
      return text !== undefined && values.some((value) => fits(value, text));
    });
  });
}

function fits(pattern: string, text: string): boolean {
  const parsed = parseTextPattern(pattern);
  return parsed !== undefined && fitsTextPattern(parsed, text);
}

/** Allow policies of parts and of routes are taken to allow something. */
function unallowedAt(state: MeshState, place: Place): string[] {
  const { defaultAuthorization, authorizationLevels } = state.meshConfig.spec.security;
  const allows = inForce(state, "Allow");
  const whole = allows.flatMap((policy) => {
    const level = levelAt(policy, place);
    return level === undefined ? [] : [{ level, policy }];
  });
  const isElsewhere = allows.some(
    (policy) =>
      levelAt(policy, place) === undefined && isForPart(policy, place) && policy.spec.rules.length > 0,
  );
  if (whole.length === 0) {
    const isShut = defaultAuthorization === "Deny" && !isElsewhere;
    return isShut ? ["MeshConfig denies by default and no policy allows anything"] : [];
  }
  const isUnited = authorizationLevels === "Unite";
  const groups = Map.groupBy(whole, ({ level }) => (isUnited ? 0 : level));
  return [...groups].flatMap(([level, found]) => {
    const isOpen = found.some(({ policy }) => policy.spec.rules.length > 0);
    const mayBeOpen = isElsewhere && (isUnited || level >= levels.workload);
    if (isOpen || mayBeOpen) return [];
    const names = found.map(({ policy }) => pathOf(policy));
    return [`AuthorizationPolicy ${names.toSorted().join(", ")} has no rules and allows nothing`];
  });
}

/** Of the place: a Service's port, a listener or a route behind it. */
function isForPart({ metadata, spec }: Authorization, { namespace, kind }: Place): boolean {
  return (spec.targetRefs ?? []).some(({ kind: of, sectionName }) =>
    of === "HTTPRoute" || of === "GRPCRoute"
      ? kind === "gateway"
      : metadata.namespace === namespace && sectionName !== undefined,
  );
}

function strictAt(state: MeshState, place: Place): string[] {
  const callers = place.names.filter((name) => state.plaintextCallers.has(`${place.namespace}/${name}`));
  if (callers.length === 0) return [];
  const said = state.authentication.flatMap((policy) => {
    const level = levelAt(policy, place);
    const mode = policy.spec.mtls?.mode;
    return level === undefined || mode === undefined ? [] : [{ level, value: mode }];
  });
  const mode = effectiveMode(said, state.meshConfig.spec.security.namespacesMayLoosen);
  return mode === "Strict" ? ["mTLS is strict and there are callers without a certificate"] : [];
}
