/** What a gateway of the scenario `telemetry` is told to tell of its traffic, and the objects that say so. */

/** `off`: nothing is offered. `signals`: what everybody has. `all`: on top of it a log line for each request and 1 % of traces, sent away. */
export type TelemetryLevel = "off" | "signals" | "all";

const collector = "collector";

export function weftTelemetry(level: TelemetryLevel): object {
  const metrics = { enabled: level !== "off" };
  const telemetry =
    level === "all"
      ? {
          metrics,
          tracing: { samplingPercent: 1 },
          accessLog: { enabled: true },
          collectors: [
            {
              backendRef: { name: collector, namespace: "default", port: 4318 },
              protocol: "HTTP",
              signals: ["Traces"],
            },
          ],
        }
      : { metrics, tracing: { enabled: false }, accessLog: { enabled: false } };
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name: "mesh" },
    spec: { accessLog: false, gatewayServiceAccounts: ["default/default"], telemetry },
  };
}

/** Whom `all` tells. */
export function collectorObjects(port: number): object[] {
  const metadata = { name: collector, namespace: "default" };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { ports: [{ name: "otlp", port: 4318, appProtocol: "http" }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": collector } },
      addressType: "IPv4",
      ports: [{ name: "otlp", port }],
      endpoints: [{ addresses: ["127.0.0.1"] }],
    },
  ];
}
