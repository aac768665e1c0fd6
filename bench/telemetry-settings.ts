/** What the doors of the scenario `telemetry` tell of their traffic. */
import { type Door, meshConfig, serviceObjects } from "./peers/weft-doors.ts";
import { type Bench, freePort } from "./processes.ts";
import { startProgram } from "./programs/start.ts";

const collector = { name: "collector", namespace: "default", port: 4318 };

/** Both have all golden signals: what those cost is too little for a whole request to show (`npm run bench:signals`). */
export const telemetryDoors: readonly Door[] = [
  {
    name: "plain",
    objects: [policy("plain", { tracing: { enabled: false }, accessLog: { enabled: false } })],
  },
  {
    name: "told",
    objects: [policy("told", { tracing: { samplingPercent: 1 }, accessLog: { enabled: true } })],
  },
];

/** Who takes the traces, and the mesh that sends them. */
export async function telemetryCommon(bench: Bench): Promise<object[]> {
  const targetPort = freePort();
  await startProgram(bench, "otlp-sink", { port: targetPort }).listening(targetPort);
  const { port, ...backend } = collector;
  return [
    ...serviceObjects(collector.name, { name: "otlp", port, targetPort }),
    meshConfig({
      collectors: [{ backendRef: { ...backend, port }, protocol: "HTTP", signals: ["Traces"] }],
    }),
  ];
}

function policy(route: string, spec: object): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "TelemetryPolicy",
    metadata: { name: route, namespace: "default" },
    spec: { targetRefs: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: route }], ...spec },
  };
}
