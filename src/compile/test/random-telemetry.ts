/** Random TelemetryPolicies for a random mesh, and what MeshConfig says of the same. */
type Random = () => number;
type Choices = readonly [string, ...string[]];

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

export function telemetrySettings(random: Random, mayHaveCollectors: boolean): object {
  const label = { name: "tenant", value: `request.headers["${pick(random, ["x-a", "x-b"])}"]` };
  const backendRef = { name: pick(random, ["a", "b"]), namespace: pick(random, ["red", "blue"]), port: 80 };
  return {
    tracing: { samplingPercent: Math.floor(random() * 100) },
    ...(random() < 0.5 ? { metrics: { labels: [label] } } : {}),
    ...(random() < 0.3 ? { accessLog: { filter: "response.code >= 500" } } : {}),
    ...(random() < 0.3 ? { redaction: { headers: [pick(random, ["x-a", "x-b"])] } } : {}),
    ...(mayHaveCollectors && random() < 0.5 ? { collectors: [{ backendRef }] } : {}),
  };
}

export function telemetryPolicy(
  random: Random,
  namespace: string,
  { services, routes }: { readonly services: Choices; readonly routes: Choices },
): object {
  const target = pick<object>(random, [
    { kind: "Namespace", name: namespace },
    { kind: "Service", name: pick(random, services) },
    { kind: "Gateway", name: "edge" },
    { kind: "HTTPRoute", name: pick(random, routes) },
    { kind: "HTTPRoute", name: pick(random, routes), sectionName: "first" },
    { kind: "GRPCRoute", name: pick(random, routes) },
  ]);
  const aim =
    random() < 0.2
      ? { selector: { matchLabels: { app: pick(random, ["x", "y"]) } } }
      : { targetRefs: [target] };
  const isOfRoute = JSON.stringify(aim).includes("Route");
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "TelemetryPolicy",
    metadata: {
      name: pick(random, ["t1", "t2", "t3"]),
      namespace,
      creationTimestamp: `2026-01-0${1 + Math.floor(random() * 3)}T00:00:00Z`,
    },
    spec: { ...aim, ...telemetrySettings(random, !isOfRoute) },
  };
}
