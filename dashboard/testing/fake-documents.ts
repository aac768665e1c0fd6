/** The API's documents about traffic, made from a fake mesh. */
import type {
  EndpointView,
  ServicesDocument,
  ServiceSummary,
  ServiceViewDocument,
  SignalsDocument,
  TopologyDocument,
  TopologyEdge,
} from "../src/api/documents.ts";
import { groupOf, noise, pointOf, rateAt } from "./fake-figures.ts";
import { type FakeCall, type FakeMesh, type FakeService, idOf } from "./fake-mesh.ts";

const slotMs = 10_000;
const historySlots = 30;

export function topologyOf(mesh: FakeMesh, windowSeconds: number, nowMs: number): TopologyDocument {
  const known = mesh.services.map(({ namespace, name, kind }) => ({
    id: idOf({ namespace, name }),
    kind,
    namespace,
    name,
    identity: `spiffe://${mesh.trustDomain}/ns/${namespace}/sa/${name}`,
    version: "",
  }));
  const outside = {
    id: "unknown",
    kind: "unknown",
    namespace: "",
    name: "",
    identity: "",
    version: "",
  } as const;
  return {
    windowSeconds,
    endTimeMs: nowMs,
    nodes: mesh.calls.some(({ from }) => from === "") ? [...known, outside] : known,
    edges: mesh.calls.map((call) => edgeOf(mesh, call, windowSeconds, nowMs)),
  };
}

function edgeOf(mesh: FakeMesh, call: FakeCall, windowSeconds: number, nowMs: number): TopologyEdge {
  const point = pointOf([call], Math.floor(nowMs / slotMs) * slotMs, slotMs);
  const count = Math.round(rateAt(call, nowMs, slotMs) * windowSeconds);
  const failures = Math.round((point.count === 0 ? 0 : point.failures / point.count) * count);
  const versions = mesh.services.find((each) => idOf(each) === call.to)?.versions ?? [];
  return {
    source: call.from === "" ? "unknown" : call.from,
    destination: call.to,
    service: call.to,
    port: 9080,
    route: "",
    protocol: "http",
    isMutualTls: call.isMutualTls,
    count,
    failures,
    requestsPerSecond: count / windowSeconds,
    successRate: count === 0 ? 1 : 1 - failures / count,
    p50Ms: point.p50Ms,
    p90Ms: point.p90Ms,
    p99Ms: point.p99Ms,
    requestBytes: count * 640,
    responseBytes: count * 4_800,
    classes: { "2xx": count - failures, "5xx": failures },
    reasons: failures > 0 ? [{ reason: "upstream_reset", count: failures }] : [],
    versions: Object.fromEntries(
      versions.map((version, index) => [version, Math.round(count * shareOf(versions, index))]),
    ),
  };
}

/** The last version gets a tenth where there are several. */
function shareOf(versions: readonly string[], index: number): number {
  if (versions.length === 1) return 1;
  return index === versions.length - 1 ? 0.1 : 0.9 / (versions.length - 1);
}

export function servicesOf(mesh: FakeMesh, nowMs: number): ServicesDocument {
  const inbound = Map.groupBy(mesh.calls, ({ to }) => to);
  return {
    from: "window",
    items: mesh.services.map((service) => summaryOf(service, inbound.get(idOf(service)) ?? [], nowMs)),
  };
}

function summaryOf(service: FakeService, calls: readonly FakeCall[], nowMs: number): ServiceSummary {
  const end = Math.floor(nowMs / slotMs) * slotMs;
  const point = pointOf(calls, end, slotMs);
  const history = Array.from({ length: historySlots }, (_, index) =>
    calls.reduce((sum, call) => sum + rateAt(call, end - (historySlots - index) * slotMs, slotMs), 0),
  );
  const mutual = calls
    .filter(({ isMutualTls }) => isMutualTls)
    .reduce((sum, { perSecond }) => sum + perSecond, 0);
  const all = calls.reduce((sum, { perSecond }) => sum + perSecond, 0);
  return {
    namespace: service.namespace,
    name: service.name,
    kind: service.kind === "external" ? "ExternalService" : "Service",
    ports: [{ port: 9080, name: "http", protocol: "http" }],
    workloads: service.workloads,
    ready: service.ready,
    versions: service.versions.filter((version) => version !== ""),
    requestsPerSecond: point.count / (slotMs / 1000),
    successRate: point.count === 0 ? 1 : 1 - point.failures / point.count,
    p50Ms: point.p50Ms,
    p99Ms: point.p99Ms,
    mutualTlsShare: all === 0 ? 1 : mutual / all,
    history,
  };
}

export function serviceViewOf(
  mesh: FakeMesh,
  id: string,
  windowSeconds: number,
  nowMs: number,
): ServiceViewDocument | undefined {
  const service = mesh.services.find((each) => idOf(each) === id);
  if (service === undefined) return undefined;
  const calls = mesh.calls.filter(({ to }) => to === id);
  const topology = topologyOf(
    { ...mesh, calls: mesh.calls.filter(({ from, to }) => from === id || to === id) },
    windowSeconds,
    nowMs,
  );
  const isSplit = service.versions.length > 1;
  const hits = Math.round(calls.reduce((sum, { perSecond }) => sum + perSecond, 0) * windowSeconds);
  const { namespace, name } = service;
  return {
    service: summaryOf(service, calls, nowMs),
    endpoints: endpointsOf(service, calls, nowMs),
    routes: isSplit
      ? [
          {
            kind: "HTTPRoute",
            namespace,
            name,
            rules: [
              { name: "canary", hits: Math.round(hits / 10) },
              { name: "", hits: Math.round(hits * 0.9) },
              { name: "beta-testers", hits: 0 },
            ],
            hits,
          },
        ]
      : [],
    policies: [
      {
        kind: "AuthorizationPolicy",
        namespace,
        name: `${name}-callers`,
        target: `Service ${name}`,
        accepted: true,
        message: "",
        hits,
      },
      ...(isSplit
        ? [
            {
              kind: "TrafficPolicy",
              namespace,
              name: `${name}-retries`,
              target: `Service ${name}`,
              accepted: false,
              message: 'spec.retry.on: "5xx" and "reset" overlap',
              hits: 0,
            },
          ]
        : []),
    ],
    callers: topology.edges.filter(({ destination }) => destination === id),
    callees: topology.edges.filter(({ source }) => source === id),
  };
}

function endpointsOf(service: FakeService, calls: readonly FakeCall[], nowMs: number): EndpointView[] {
  const point = pointOf(calls, Math.floor(nowMs / slotMs) * slotMs, slotMs);
  const perSecond = point.count / (slotMs / 1000);
  return Array.from({ length: service.workloads }, (_, index) => {
    const isDead = index >= service.ready;
    const isEjected = !isDead && index === 0 && calls.some(({ errorShare }) => errorShare > 0.05);
    const part = isDead || isEjected ? 0 : 0.85 + 0.3 * noise(service.name, index);
    return {
      workload: `${service.namespace}/${service.name}-${index + 1}`,
      address: `10.42.${index}.${10 + service.name.length}`,
      port: 9080,
      version: service.versions[index % service.versions.length] ?? "",
      locality: `eu-west/${"abc"[index % 3] ?? "a"}`,
      state: isDead ? "dead" : "ready",
      ejectedBy: isEjected
        ? [{ proxy: calls[0]?.from ?? "", reason: "5 gateway errors in a row", untilMs: nowMs + 21_000 }]
        : [],
      requestsPerSecond: (perSecond / Math.max(1, service.ready)) * part,
      successRate: point.count === 0 ? 1 : 1 - (point.failures / point.count) * part,
      p50Ms: point.p50Ms * part,
      p99Ms: point.p99Ms * part,
    };
  });
}

export interface SignalsQuestion {
  readonly service: string | undefined;
  readonly by: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

export function signalsOf(mesh: FakeMesh, { service, by, ...range }: SignalsQuestion): SignalsDocument {
  const calls = mesh.calls.filter(({ to }) => service === undefined || to === service);
  const versions = mesh.services.find((each) => idOf(each) === service)?.versions ?? [];
  const groups =
    by === "version"
      ? versions.map((version, index) =>
          groupOf(version, strained(calls, index, versions.length), range, shareOf(versions, index)),
        )
      : [groupOf("all", calls, range)];
  return { ...range, from: "window", groups };
}

/** The newest version is a little slower, and fails most. */
function strained(calls: readonly FakeCall[], index: number, count: number): readonly FakeCall[] {
  const isNewest = count > 1 && index === count - 1;
  return calls.map((call) =>
    isNewest ? { ...call, p99Ms: call.p99Ms * 1.4, errorShare: call.errorShare * 3 } : call,
  );
}
