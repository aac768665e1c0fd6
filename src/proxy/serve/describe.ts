/** What /config shows: the configuration that runs, upstreams with their state, certificate ages. No keys, no tokens. */
import type { AdminSource } from "./admin.ts";
import type { GatewayServer } from "./gateway.ts";
import type { ServeContext } from "./context.ts";
import { GaugeFamily, type MetricFamily } from "../telemetry/index.ts";
import type { UpstreamEndpoint } from "../upstream/index.ts";
import type { Application } from "./application.ts";

export interface RuntimeParts {
  readonly context: ServeContext;
  readonly application: Application | undefined;
  readonly gateway: GatewayServer | undefined;
}

/** `families`: beside those of the parts. */
export function describeAdmin(
  parts: RuntimeParts,
  families: readonly MetricFamily[],
  notReady: () => string | undefined,
): AdminSource {
  const { context } = parts;
  const { series, refusals, metrics, agent } = context;
  const application = parts.application?.metrics(() => agent.snapshot.inbound?.applicationMetrics);
  const ofApplication = application?.counters.families ?? [];
  return {
    series,
    refusals,
    families: [...metrics.families, ...families, ...runtimeGauges(parts), ...ofApplication],
    application,
    notReady,
    config: () => describeConfig(parts),
  };
}

/** More clusters than this make the page useless; the rest is counted. */
const maxListed = 1_000;

function describeConfig(parts: RuntimeParts): unknown {
  const { context, gateway } = parts;
  const { snapshot, status } = context.agent;
  const mesh = snapshot.mesh;
  const clusters = context.upstreams.clusters();
  const nowUs = context.clock.monotonicUs();
  return {
    revision: snapshot.revision,
    workload: context.workload.key,
    identity: status.identity,
    certificate: {
      notAfter:
        status.certificateNotAfterMs === 0 ? null : new Date(status.certificateNotAfterMs).toISOString(),
      remainingSeconds:
        status.certificateNotAfterMs === 0
          ? null
          : Math.round((status.certificateNotAfterMs - context.clock.nowMs()) / 1_000),
    },
    controlPlane: {
      connected: status.isConnected,
      lastError: status.lastError,
      subscriptions: status.subscriptions,
      rejected: status.rejected,
    },
    draining: context.isDraining,
    mesh:
      mesh === undefined
        ? null
        : {
            trustDomain: mesh.trustDomain,
            virtualPrefixes: mesh.virtualPrefixes,
            workloadPrefixes: mesh.workloadPrefixes,
            domainSuffix: mesh.domainSuffix,
            accessLog: mesh.accessLog,
            allowUnknownDestinations: mesh.allowUnknownDestinations,
          },
    inbound: (snapshot.inbound?.ports ?? []).map((port) => ({
      port: port.port,
      protocol: port.protocol,
      mtls: snapshot.inboundTable?.port(port.port)?.mtls ?? "strict",
      services: port.services,
    })),
    gateways: snapshot.gateways.map((entry) => ({
      name: entry.name,
      labels: entry.labels,
      annotations: entry.annotations,
      listeners: entry.listeners.map(({ listener, hosts }) => ({
        name: listener.name,
        port: listener.port,
        hostnames: hosts.map((host) => host.hostname),
      })),
    })),
    gatewayAddresses: gateway?.addresses() ?? [],
    gatewayDatagrams: gateway?.udp.addresses() ?? [],
    gatewayFailures: gateway?.failures() ?? [],
    admissionFailures: context.admissions.failures(),
    clusters: clusters.slice(0, maxListed).map((cluster) => ({
      key: cluster.key,
      endpoints: cluster.picker.members.map((endpoint) => describeEndpoint(endpoint, nowUs)),
    })),
    clusterCount: clusters.length,
  };
}

function describeEndpoint(endpoint: UpstreamEndpoint, nowUs: number): unknown {
  const target = endpoint.target;
  return {
    workload: endpoint.workload,
    address: endpoint.place,
    tunnel: endpoint.isTunnelled ? `${target.tunnelAddress}:${target.tunnelPort}` : "none",
    identity: target.identity,
    version: endpoint.endpoint.version,
    weight: endpoint.weight,
    inFlight: endpoint.inFlight,
    connections: endpoint.pool.openConnections,
    idle: endpoint.pool.idleConnections,
    latencyMs: endpoint.latency.isMeasured ? Math.round(endpoint.latency.estimateUs(nowUs) / 10) / 100 : null,
    avoided: endpoint.avoidUntilUs > nowUs,
    ejectedForMs: Math.max(0, Math.ceil((endpoint.ejectedUntilUs - nowUs) / 1_000)),
    probedUnhealthy: endpoint.isProbedUnhealthy,
    concurrencyLimit: endpoint.concurrency?.limit.limit ?? null,
    region: endpoint.endpoint.region,
    zone: endpoint.endpoint.zone,
    priority: endpoint.endpoint.priority,
  };
}

/** Gauges that are read from the running parts when somebody scrapes. */
export function runtimeGauges(parts: RuntimeParts): readonly MetricFamily[] {
  const { context } = parts;
  const gauge = (name: string, help: string, read: () => number): MetricFamily =>
    new GaugeFamily(name, help, () => [{ labels: {}, value: read() }]);
  const total = (name: string, help: string, read: () => number): MetricFamily =>
    new GaugeFamily(name, help, () => [{ labels: {}, value: read() }], { type: "counter" });
  return [
    gauge("weft_requests_in_flight", "Requests and TCP sessions under way.", () => context.inFlight),
    gauge(
      "weft_config_revision",
      "Revision of the configuration that runs.",
      () => context.agent.snapshot.revision,
    ),
    gauge(
      "weft_config_applied_seconds",
      "When the configuration that runs was put in force, Unix time; 0: none was yet.",
      () => context.configuredAtMs / 1_000,
    ),
    gauge("weft_control_plane_connected", "1 while the stream to the control plane is open.", () =>
      context.agent.status.isConnected ? 1 : 0,
    ),
    gauge("weft_certificate_not_after_seconds", "End of the current certificate, Unix time; 0: none.", () =>
      Math.round(context.agent.status.certificateNotAfterMs / 1_000),
    ),
    gauge(
      "weft_subscriptions",
      "Destinations that this proxy follows.",
      () => context.agent.status.subscriptions,
    ),
    gauge("weft_udp_sessions", "Clients of UDP listeners.", () => parts.gateway?.udp.sessions ?? 0),
    new GaugeFamily(
      "weft_gateway_info",
      "1 for each Gateway that is served here, with the labels of its spec.infrastructure.",
      () => gatewayInfo(parts),
      { labelNames: ["namespace", "name", "label_*"] },
    ),
    new GaugeFamily(
      "weft_upstream_connections",
      "Pooled HTTP connections to endpoints.",
      () => poolSamples(parts),
      { labelNames: ["side", "state"] },
    ),
    gauge("weft_endpoints_ejected", "Endpoints that outlier detection has taken out at the moment.", () => {
      const nowUs = context.clock.monotonicUs();
      return countEndpoints(parts, (endpoint) => endpoint.ejectedUntilUs > nowUs);
    }),
    gauge("weft_endpoints_probed_unhealthy", "Endpoints that health checks have found unhealthy.", () =>
      countEndpoints(parts, (endpoint) => endpoint.isProbedUnhealthy),
    ),
    new GaugeFamily(
      "weft_retry_budget_exhausted_total",
      "Retries and hedges that a cluster's budget did not allow.",
      () => budgetSamples(context),
      { type: "counter", labelNames: ["cluster"] },
    ),
    gauge(
      "weft_replay_bytes",
      "Bodies of requests that are kept for other tries.",
      () => context.bodyKeeping.memory.usedBytes,
    ),
    gauge("weft_telemetry_series", "Label sets of golden signals.", () => context.series.cellCount),
    gauge(
      "weft_telemetry_series_limit",
      "How many there may be; what is beyond is counted under overflow.",
      () => context.series.maxSeries,
    ),
    total(
      "weft_telemetry_dropped_series_total",
      "Label sets counted under overflow because the budget was full.",
      () => context.series.droppedSeries,
    ),
    gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss()),
    total("process_cpu_seconds_total", "CPU time, user and system.", () => {
      const usage = process.cpuUsage();
      return (usage.user + usage.system) / 1_000_000;
    }),
  ];
}

/** Characters that labels of metrics cannot have become underscores, as in kube-state-metrics. */
function gatewayInfo({ context }: RuntimeParts): { labels: Record<string, string>; value: number }[] {
  return context.agent.snapshot.gateways.map((gateway) => {
    const [namespace = "", name = ""] = gateway.name.split("/");
    const own = Object.entries(gateway.labels).map(([key, value]) => [
      `label_${key.replace(/\W/g, "_")}`,
      value,
    ]);
    return { labels: { namespace, name, ...Object.fromEntries(own) }, value: 1 };
  });
}

function countEndpoints(parts: RuntimeParts, isCounted: (endpoint: UpstreamEndpoint) => boolean): number {
  let count = 0;
  for (const endpoint of parts.context.upstreams.endpoints()) if (isCounted(endpoint)) count++;
  return count;
}

/** Of the clusters that this proxy follows: as many as its subscriptions. */
function budgetSamples(context: ServeContext): { labels: Record<string, string>; value: number }[] {
  const samples: { labels: Record<string, string>; value: number }[] = [];
  for (const { key, retryBudget } of context.upstreams.clusters()) {
    if (retryBudget !== undefined) samples.push({ labels: { cluster: key }, value: retryBudget.denied });
  }
  return samples;
}

function poolSamples(parts: RuntimeParts): { labels: Record<string, string>; value: number }[] {
  const sums = { upstream: { open: 0, idle: 0, pending: 0 }, application: { open: 0, idle: 0, pending: 0 } };
  const add = (sum: { open: number; idle: number; pending: number }, endpoint: UpstreamEndpoint): void => {
    sum.open += endpoint.pool.openConnections;
    sum.idle += endpoint.pool.idleConnections;
    sum.pending += endpoint.pool.pendingRequests;
  };
  for (const endpoint of parts.context.upstreams.endpoints()) add(sums.upstream, endpoint);
  for (const endpoint of parts.application?.places() ?? []) add(sums.application, endpoint);
  return Object.entries(sums).flatMap(([side, sum]) =>
    Object.entries(sum).map(([state, value]) => ({ labels: { side, state }, value })),
  );
}
