/**
 * Many routes, the same for every peer and each in the peer's own form: ten paths for each host, all to one upstream. So a
 * proxy that looks hosts up in a table and one that does so with paths are both at home.
 */
const pathsPerHost = 10;

export interface BenchRoute {
  readonly host: string;
  readonly path: string;
}

export function benchRoutes(count: number): BenchRoute[] {
  return Array.from({ length: count }, (_, index) => ({
    host: `s${Math.floor(index / pathsPerHost)}.bench.test`,
    path: `/p${index % pathsPerHost}/`,
  }));
}

function byHost(routes: readonly BenchRoute[]): [string, string[]][] {
  const hosts = new Map<string, string[]>();
  for (const { host, path } of routes) hosts.set(host, [...(hosts.get(host) ?? []), path]);
  return [...hosts];
}

export function nginxServers(routes: readonly BenchRoute[], port: number): string {
  return byHost(routes)
    .map(([host, paths], index) => {
      const listen = `listen 127.0.0.1:${port}${index === 0 ? " backlog=4096" : ""};`;
      const locations = paths.map((path) => `location ${path} { proxy_pass http://echo; }`);
      return `  server { ${listen} server_name ${host}; ${locations.join(" ")} }`;
    })
    .join("\n");
}

export function haproxyMap(routes: readonly BenchRoute[]): string {
  return routes.map(({ host, path }) => `${host}${path} echo\n`).join("");
}

/** A discovery response, which is the form that Envoy reads from files. */
export function envoyRoutes(routes: readonly BenchRoute[]): object {
  const virtualHosts = byHost(routes).map(([host, paths]) => ({
    name: host,
    domains: [host],
    routes: paths.map((prefix) => ({ match: { prefix }, route: { cluster: "echo", timeout: "0s" } })),
  }));
  return {
    resources: [
      {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        name: "routes",
        virtual_hosts: virtualHosts,
      },
    ],
  };
}

/** One resource for each: what 5,000 teams would write. */
export function weftRoutes(routes: readonly BenchRoute[]): object[] {
  return routes.map(({ host, path }, index) => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: `route-${index}`, namespace: "default" },
    spec: {
      parentRefs: [{ name: "bench" }],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: path } }],
          backendRefs: [{ name: "echo", port: 80 }],
        },
      ],
    },
  }));
}
