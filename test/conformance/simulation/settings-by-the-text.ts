/** How a request is carried and what trouble is made for it, as docs/reference/policies.md and retries.md word it. */
import { holds } from "../matching/by-the-text.ts";
import {
  type Applied,
  type Fault,
  type FaultPolicy,
  headerOf,
  namespaceOf,
  pathOf,
  type Question,
  type Retries,
  type TrafficPolicy,
} from "./applied.ts";
import { compareObjectAge, completeMatch, serviceOf, type Taken } from "./attachment-by-the-text.ts";
import { shareByTheText } from "./share-by-the-text.ts";

/** Milliseconds; 0: none. */
export interface Carriage {
  readonly requestTimeoutMs: number;
  readonly tryTimeoutMs: number;
  readonly streamIdleTimeoutMs: number;
  readonly maxRetries: number;
  /** Sorted: "connect-failure", "reset", "try-timeout", statuses, "grpc:<code>". */
  readonly retryOn: readonly string[];
  readonly unsafeMethods: boolean;
}

/** What policies may be aimed at, the nearest first. */
interface Target {
  readonly kind: string;
  /** "namespace/name"; of the mesh "/mesh". */
  readonly path: string;
  readonly section?: string;
}

interface Said {
  readonly timeouts?: TrafficPolicy["spec"]["timeouts"];
  readonly retries?: Retries;
}

function rulesTargets({ route, rule }: Taken): Target[] {
  const whole = { kind: route.kind, path: pathOf(route) };
  return rule.name === undefined ? [whole] : [{ ...whole, section: rule.name }, whole];
}

function servicesTargets(objects: readonly Applied[], service: string, port: number): Target[] {
  const name = serviceOf(objects, service)?.spec.ports.find((each) => each.port === port)?.name;
  const [namespace = ""] = service.split("/");
  return [
    ...(name === undefined ? [] : [{ kind: "Service", path: service, section: name }]),
    { kind: "Service", path: service },
    { kind: "Namespace", path: `${namespace}/${namespace}` },
    { kind: "MeshConfig", path: "/mesh" },
  ];
}

/** Of one target the older first. */
function aimedAt<P extends TrafficPolicy | FaultPolicy>(policies: readonly P[], target: Target): P[] {
  return policies
    .filter((policy) =>
      policy.spec.targetRefs.some(
        ({ kind, name, sectionName }) =>
          kind === target.kind &&
          `${kind === "MeshConfig" ? "" : namespaceOf(policy)}/${name}` === target.path &&
          sectionName === target.section,
      ),
    )
    .toSorted(compareObjectAge);
}

const lost = ["connect-failure", "reset", "try-timeout"];

export function carriageByTheText(
  objects: readonly Applied[],
  taken: Taken | undefined,
  to: { readonly service: string; readonly port: number; readonly isGateway: boolean },
): Carriage {
  const policies = objects.filter((each): each is TrafficPolicy => each.kind === "TrafficPolicy");
  const at = (targets: readonly Target[]): Said[] =>
    targets.flatMap((target) => aimedAt(policies, target).map(({ spec }) => spec));
  const near =
    taken === undefined ? [] : [ownSettings(taken), ...at(rulesTargets(taken)), impliedSettings(taken)];
  const far = at(servicesTargets(objects, to.service, to.port));
  const timeout = (name: "request" | "try" | "streamIdle", otherwise: number): number => {
    const text = [...near, ...far].find(({ timeouts }) => timeouts?.[name] !== undefined)?.timeouts?.[name];
    return text === undefined ? otherwise : milliseconds(text);
  };
  const first = <K extends keyof Retries>(layers: readonly Said[], name: K): Retries[K] | undefined =>
    layers.find(({ retries }) => retries?.[name] !== undefined)?.retries?.[name];
  return {
    requestTimeoutMs: timeout("request", 0),
    tryTimeoutMs: timeout("try", 0),
    streamIdleTimeoutMs: timeout("streamIdle", to.isGateway ? 300_000 : 0),
    maxRetries: first([...near, ...far], "attempts") ?? 2,
    retryOn:
      [near, far]
        .map((layers) => reasonsOf(first(layers, "on"), first(layers, "grpcOn")))
        .find((each) => each !== undefined) ??
      reasonsOf(undefined, []) ??
      [],
    unsafeMethods: first([...near, ...far], "unsafeMethods") ?? false,
  };
}

/** `on` and `grpcOn` of a route count as one: what one of them leaves out is the default. Undefined: neither is said. */
function reasonsOf(on: Retries["on"], grpcOn: Retries["grpcOn"]): readonly string[] | undefined {
  if (on === undefined && grpcOn === undefined) return undefined;
  const reasons = (on ?? ["connect-failure", "reset", 503]).flatMap((reason) => {
    if (reason === "gateway-error") return ["502", "503", "504"];
    return reason === "5xx" ? Array.from({ length: 100 }, (_, i) => `${500 + i}`) : [String(reason)];
  });
  const codes = (grpcOn ?? []).map((name) => `grpc:${grpcCodes.indexOf(name)}`);
  return [...new Set([...reasons, ...codes])].toSorted();
}

function ownSettings({ rule: { timeouts, retry } }: Taken): Said {
  return {
    timeouts: {
      ...(timeouts?.request === undefined ? {} : { request: timeouts.request }),
      ...(timeouts?.backendRequest === undefined ? {} : { try: timeouts.backendRequest }),
    },
    retries: {
      ...(retry?.attempts === undefined ? {} : { attempts: retry.attempts }),
      ...(retry?.codes === undefined ? {} : { on: [...lost, ...retry.codes] }),
    },
  };
}

/** GEP-1731: whoever asks for retries means lost connections and timeouts too. */
function impliedSettings({ rule: { retry } }: Taken): Said {
  return retry === undefined ? {} : { retries: { on: [...lost, 503] } };
}

/** Of Gateway API and of policies: 1h, 1m500ms, 0s. */
function milliseconds(text: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  return [...text.matchAll(/(\d+)(ms|s|m|h)/g)].reduce(
    (sum, [, figure, unit = ""]) => sum + Number(figure) * (units[unit] ?? 0),
    0,
  );
}

/** google.rpc.Code by its number. */
export const grpcCodes = [
  "ok",
  "cancelled",
  "unknown",
  "invalid-argument",
  "deadline-exceeded",
  "not-found",
  "already-exists",
  "permission-denied",
  "resource-exhausted",
  "failed-precondition",
  "aborted",
  "out-of-range",
  "unimplemented",
  "internal",
  "unavailable",
  "data-loss",
  "unauthenticated",
];

export interface FoundFault {
  readonly fault: Fault;
  /** "FaultPolicy namespace/name faults[0]". */
  readonly source: string;
}

/** The first fault of the nearest policy that has any for which all conditions hold. */
export function faultByTheText(
  objects: readonly Applied[],
  question: Question,
  taken: Taken | undefined,
  to: { readonly service: string; readonly port: number; readonly nowMs: number },
): FoundFault | undefined {
  const policies = objects.filter((each): each is FaultPolicy => each.kind === "FaultPolicy");
  const targets = [
    ...(taken === undefined ? [] : rulesTargets(taken)),
    ...servicesTargets(objects, to.service, to.port),
  ];
  const [nearest] = targets.flatMap((target) => aimedAt(policies, target));
  for (const [index, fault] of (nearest?.spec.faults ?? []).entries()) {
    const source = `FaultPolicy ${nearest === undefined ? "" : pathOf(nearest)} faults[${index}]`;
    if (isFor(fault, question, to.nowMs) && isDrawn(fault, question.requestId, source))
      return { fault, source };
  }
  return undefined;
}

function isFor({ matches, optInHeader, expiresAt }: Fault, question: Question, nowMs: number): boolean {
  const request = { ...question, header: (name: string) => headerOf(question, name) };
  return (
    nowMs < Date.parse(expiresAt) &&
    (optInHeader === undefined || headerOf(question, optInHeader.toLowerCase()) !== undefined) &&
    (matches === undefined || matches.some((match) => holds(completeMatch(match), request)))
  );
}

/** Of a million, since a percentage has at most four digits behind the point. */
function isDrawn({ percentage = 100 }: Fault, requestId: string, source: string): boolean {
  if (percentage >= 100) return true;
  return shareByTheText(requestId, `fault ${source}`) * 1_000_000 < Math.round(percentage * 10_000);
}
