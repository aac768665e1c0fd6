/** Random ExternalServices for a random mesh. */

type Random = () => number;

/** "a" is a Service's name as well. */
export const externals = ["a", "x", "y"] as const;
const externalHosts = ["api.example.net", "*.example.net", "*.eu.example.net", "db.cluster.local"] as const;
const namespaces = ["red", "blue"] as const;
const ports = [80, 81] as const;

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

/** Some have the name of a Service, most claim what others claim. */
export function externalService(random: Random, namespace: string) {
  const name = pick(random, externals);
  const index = externals.indexOf(name) + 5 * namespaces.findIndex((entry) => entry === namespace) + 201;
  const hosts = externalHosts.filter(() => random() < 0.5);
  const addresses = ["198.51.100.7", "198.51.100.0/24"].filter(() => hosts.length === 0 || random() < 0.3);
  const protocol = pick(random, ["HTTP", "TLS"]);
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "ExternalService",
    metadata: { name, namespace, creationTimestamp: `2026-01-0${1 + Math.floor(random() * 3)}T00:00:00Z` },
    spec: {
      hosts,
      addresses,
      ports: ports.filter((port) => port === 80 || random() < 0.5).map((port) => ({ port, protocol })),
      ...(random() < 0.5
        ? { resolution: "None" }
        : { endpoints: [{ address: "203.0.113.9" }, { address: "far.example.net" }] }),
      virtualIPs: [`240.240.0.${index}`],
    },
  };
}
