/**
 * All three signals of a mesh at a Collector that nobody here wrote, over gRPC and over HTTP: spans with the right parents, metrics
 * that count what was sent, a log record for each request.
 */
import { describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../e2e/harness/eventually.ts";
import { startMesh } from "../../e2e/harness/mesh.ts";
import { captureRefusal, testUnless } from "../../e2e/harness/requirements.ts";
import { gatewayTo, webProgram, yaml } from "../../e2e/harness/resources.ts";
import { collectorConfiguration, findCollector, grpcPort, httpPort } from "./collector-program.ts";
import { readTold, type Told, type ToldSpan } from "./collector-text.ts";

const requests = 20;
const timeoutMs = 90_000;
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const callerId = "00f067aa0ba902b7";
const webResource = { "service.name": "web", "service.version": "v1", "weft.workload": "default/web-v1" };
const collector = await findCollector();
const missing = "missing" in collector ? collector.missing : undefined;

const protocols = [
  ["GRPC", grpcPort],
  ["HTTP", httpPort],
] as const;

describe.each(protocols)("over %s", (protocol, port) => {
  testUnless(missing, captureRefusal())(
    "a collector gets every span, count and line",
    async () => {
      await using mesh = await startMesh({
        files: { "programs.yaml": yaml(webProgram("v1")), "routes.yaml": yaml(gatewayTo({ web: 1 })) },
      });
      const file = join(mesh.dataDir, "collector.yaml");
      writeFileSync(file, collectorConfiguration);
      const running = mesh.run({
        service: "otel",
        command: ["path" in collector ? collector.path : "", "--config", `file:${file}`],
        ports: [`${grpcPort}/grpc`, `${httpPort}/http`],
      });
      await running.untilLine("stderr", 30_000, (line) => line.includes("Everything is ready") || undefined);
      await mesh.apply(yaml(...collectedBy(protocol, port)));

      for (let i = 0; i < requests; i++) {
        const traceparent = `00-${traceId}-${callerId}-01`;
        const response = await mesh.get(`/items/${i}?secret=1`, { headers: { traceparent } });
        expect(response.status).toBe(200);
        await response.text();
      }

      await eventually(() => {
        const told = readTold(running.stdout);
        spansAreRight(told);
        countsAreRight(told);
        linesAreRight(told);
      }, 30_000);
      expect(running.stdout).not.toContain("secret=1");
    },
    timeoutMs,
  );
});

function collectedBy(protocol: "GRPC" | "HTTP", port: number): object[] {
  return [
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshConfig",
      metadata: { name: "mesh" },
      spec: {
        // The test's client stands for a proxy in front of the gateway: what it says of its trace is believed.
        security: { trustedHops: 1 },
        telemetry: {
          tracing: { samplingPercent: 100 },
          collectors: [
            { backendRef: { name: "otel", namespace: "default", port }, protocol, metricsInterval: "1s" },
          ],
        },
      },
    },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "ReferenceGrant",
      metadata: { name: "collectors" },
      spec: {
        from: [{ group: "weft.dev", kind: "MeshConfig", namespace: "weft-system" }],
        to: [{ group: "", kind: "Service", name: "otel" }],
      },
    },
  ];
}

/** For each request: the gateway's, of the caller's; its try, of that; the server's, of the try. */
function spansAreRight({ spans }: Told): void {
  const ours = spans.filter((span) => span.traceId === traceId);
  const under = (parents: readonly ToldSpan[]): ToldSpan[] => {
    const ids = new Set(parents.map(({ id }) => id));
    return ours.filter(({ parentId }) => ids.has(parentId));
  };
  const atGateway = ours.filter(({ parentId }) => parentId === callerId);
  const tries = under(atGateway);
  const atServer = under(tries);
  expect([atGateway.length, tries.length, atServer.length]).toEqual([requests, requests, requests]);
  expect(ours).toHaveLength(3 * requests);
  expect(new Set(ours.map(({ id }) => id)).size).toBe(3 * requests);
  for (const span of atServer) {
    expect(span).toMatchObject({ kind: "Server", resource: webResource });
    expect(span.attributes).toMatchObject({
      "http.request.method": "GET",
      "http.response.status_code": "200",
      "weft.mtls": "true",
      "weft.destination.service": "default/web",
    });
  }
}

function countsAreRight({ points }: Told): void {
  for (const metric of ["http.client.request.duration", "http.server.request.duration"]) {
    const told = points.filter(
      (point) => point.metric === metric && point.attributes["weft.destination.service"] === "default/web",
    );
    expect(told.length).toBeGreaterThan(0);
    for (const point of told)
      expect(point).toMatchObject({ unit: "s", type: "Histogram", temporality: "Cumulative" });
    // They are cumulative, so the newest of each series counts.
    expect(told.at(-1)?.value).toBe(requests);
  }
}

function linesAreRight({ records }: Told): void {
  const ours = records.filter((record) => record.traceId === traceId);
  const by = (name: string): number =>
    ours.filter(({ resource }) => resource["service.name"] === name).length;
  expect([by("gateway"), by("web")]).toEqual([requests, requests]);
}
