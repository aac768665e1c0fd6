/** Reports as 3,000 proxies of a mesh of 300 services send them: what each saw in one interval, encoded. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Histogram } from "../../src/kernel/index.ts";
import { Direction, type EdgeDeltaSchema, TelemetryReportSchema } from "../../src/wire/index.ts";

export interface MeshShape {
  readonly services: number;
  readonly workloadsPerService: number;
  /** Services that each service calls. */
  readonly callees: number;
  /** Requests that a workload sends to each service that it calls, in one interval. */
  readonly requests: number;
}

export interface ProxyReport {
  readonly reporter: string;
  readonly bytes: Uint8Array;
}

type Edge = Omit<MessageInitShape<typeof EdgeDeltaSchema>, "$typeName" | "$unknown">;

/** Every fourth edge has errors too: some 1,500 series at the level of services in a mesh of 300. */
const edgesWithErrors = 4;

export function meshReports(shape: MeshShape, random: () => number): ProxyReport[] {
  const reports: ProxyReport[] = [];
  for (let service = 0; service < shape.services; service++) {
    for (let workload = 0; workload < shape.workloadsPerService; workload++) {
      const edges = [
        ...outbound(shape, service, workload, random),
        ...inbound(shape, service, workload, random),
      ];
      const report = create(TelemetryReportSchema, {
        proxy: workloadName(service, workload),
        startUnixMs: 1_700_000_000_000n,
        endUnixMs: 1_700_000_010_000n,
        edges,
        series: edges.length,
        maxSeries: 2_000,
        hasEjected: true,
        ruleHits: [{ kind: "HTTPRoute", route: serviceName(service), rule: "0", count: 10n }],
      });
      reports.push({ reporter: identity(service), bytes: toBinary(TelemetryReportSchema, report) });
    }
  }
  return reports;
}

export function serviceOf(workload: string): string {
  return workload.slice(0, workload.lastIndexOf("-"));
}

function outbound(shape: MeshShape, service: number, workload: number, random: () => number): Edge[] {
  return Array.from({ length: shape.callees }, (_, i) => callee(shape, service, i)).flatMap((to) =>
    Array.from({ length: shape.workloadsPerService }, (_unused, target) =>
      edges(shape, { from: [service, workload], to: [to, target], direction: Direction.OUTBOUND }, random),
    ).flat(),
  );
}

function inbound(shape: MeshShape, service: number, workload: number, random: () => number): Edge[] {
  return callers(shape, service).flatMap((from) =>
    Array.from({ length: shape.workloadsPerService }, (_, source) =>
      edges(shape, { from: [from, source], to: [service, workload], direction: Direction.INBOUND }, random),
    ).flat(),
  );
}

interface Ends {
  readonly from: readonly [service: number, workload: number];
  readonly to: readonly [service: number, workload: number];
  readonly direction: Direction;
}

function edges(shape: MeshShape, { from, to, direction }: Ends, random: () => number): Edge[] {
  const count = Math.max(1, Math.round((shape.requests / shape.workloadsPerService) * (0.5 + random())));
  const labels: Edge = {
    direction,
    sourceWorkload: workloadName(...from),
    sourceIdentity: identity(from[0]),
    destinationWorkload: workloadName(...to),
    destinationIdentity: identity(to[0]),
    destinationService: serviceName(to[0]),
    destinationPort: 8080,
    destinationVersion: `v${(to[1] % 2) + 1}`.slice(0, 2),
    route: direction === Direction.OUTBOUND ? serviceName(to[0]) : "",
    protocol: "http",
    mtls: true,
    method: "GET",
    sourceLocality: "eu-1/a",
    destinationLocality: "eu-1/b",
    sourceVersion: "v1",
  };
  const meanUs = 2_000 * (1 + (to[0] % 50));
  const good = { ...labels, destinationVersion: "v1", responseClass: "2xx", responseCode: 200 };
  const result = [{ ...good, ...figures(count, meanUs, random) }];
  if ((from[0] + to[0]) % edgesWithErrors === 0 && random() < 0.3) {
    result.push({
      ...good,
      responseClass: "5xx",
      responseCode: 503,
      reason: "upstream_reset",
      ...figures(1, meanUs, random),
    });
  }
  return result;
}

function figures(count: number, meanUs: number, random: () => number): Edge {
  const durations = new Histogram();
  for (let i = 0; i < count; i++) durations.record(meanUs * Math.exp(0.5 * normal(random)));
  const buckets = [...durations.buckets()];
  return {
    count: BigInt(count),
    requestBytes: BigInt(count * 400),
    responseBytes: BigInt(Math.round(count * 2_000 * (0.5 + random()))),
    duration: {
      buckets: buckets.map(([bucket]) => bucket),
      counts: buckets.map(([, amount]) => amount),
      sumUs: BigInt(Math.round(durations.sumUs)),
    },
  };
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function callee({ services }: MeshShape, service: number, index: number): number {
  return (service * 2 + 1 + index) % services;
}

function callers(shape: MeshShape, service: number): number[] {
  return Array.from({ length: shape.services }, (_, from) => from).filter((from) =>
    Array.from({ length: shape.callees }, (_, i) => callee(shape, from, i)).includes(service),
  );
}

function serviceName(service: number): string {
  return `team-${service % 20}/service-${service}`;
}

function workloadName(service: number, workload: number): string {
  return `${serviceName(service)}-${workload}`;
}

function identity(service: number): string {
  return `spiffe://mesh.example/ns/team-${service % 20}/sa/service-${service}`;
}
