/** weft and Envoy in front of the same endpoints, whose set can change while they run. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { envoyCommand, envoyProgram } from "../peers/envoy.ts";
import { weftProgram } from "../peers/weft-control.ts";
import { type Bench, freePort, proxyCore } from "../processes.ts";

export interface BalancingPeer {
  readonly name: string;
  start(bench: Bench, endpoints: Endpoints): Promise<RunningBalancer>;
}

interface Endpoints {
  readonly addresses: readonly string[];
  readonly port: number;
}

interface RunningBalancer {
  readonly port: number;
  setAddresses(addresses: readonly string[]): void;
}

/** Every peer reads its endpoints from a file of JSON that another is moved over. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

export const weftPeer: BalancingPeer = {
  name: "weft (default: peak EWMA)",
  async start(bench, endpoints) {
    const port = freePort();
    const home = join(bench.directory, "weft");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "gateway.yaml"), weftObjects(port));
    const setAddresses = (addresses: readonly string[]): void =>
      replace(join(home, "endpoints.json"), JSON.stringify(weftEndpoints({ ...endpoints, addresses })));
    setAddresses(endpoints.addresses);
    const process = bench.start(proxyCore, [
      ...[weftProgram, "serve", "--filename", home, "--log-level", "warn"],
      ...["--admin", "127.0.0.1:0", "--health", "127.0.0.1:0"],
    ]);
    await process.wrote(/^(ready) /m);
    await process.listening(port);
    return { port, setAddresses };
  },
};

const metadata = { name: "bench", namespace: "default" };

function weftObjects(port: number): string {
  const gateway = { apiVersion: "gateway.networking.k8s.io/v1" };
  const objects = [
    {
      ...{ apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "mesh" } },
      spec: { accessLog: false },
    },
    {
      ...{ ...gateway, kind: "Gateway", metadata },
      spec: { gatewayClassName: "weft", listeners: [{ name: "in", port, protocol: "HTTP" }] },
    },
    {
      ...{ ...gateway, kind: "HTTPRoute", metadata },
      spec: { parentRefs: [{ name: "bench" }], rules: [{ backendRefs: [{ name: "bench", port: 80 }] }] },
    },
    {
      ...{ apiVersion: "v1", kind: "Service", metadata },
      spec: { ports: [{ name: "main", port: 80, appProtocol: "http" }] },
    },
  ];
  return objects.map((object) => stringify(object)).join("---\n");
}

function weftEndpoints({ addresses, port }: Endpoints): unknown {
  return {
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": "bench" } },
    addressType: "IPv4",
    ports: [{ name: "main", port }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  };
}

export function envoyPeer(name: string, policy: "LEAST_REQUEST" | "ROUND_ROBIN"): BalancingPeer {
  return {
    name,
    async start(bench, endpoints) {
      const program = envoyProgram();
      if (program === null) throw new Error("envoy is not installed");
      const port = freePort();
      const home = join(bench.directory, policy);
      mkdirSync(home, { recursive: true });
      const members = join(home, "endpoints.json");
      const setAddresses = (addresses: readonly string[]): void =>
        replace(members, JSON.stringify(envoyMembers({ ...endpoints, addresses })));
      setAddresses(endpoints.addresses);
      const file = join(home, "envoy.yaml");
      writeFileSync(file, stringify(envoyConfiguration(port, policy, members)));
      await bench.start(proxyCore, envoyCommand(program, file)).listening(port);
      return { port, setAddresses };
    },
  };
}

const type = (name: string): { "@type": string } => ({ "@type": `type.googleapis.com/${name}` });

function envoyMembers({ addresses, port }: Endpoints): unknown {
  const members = addresses.map((address) => ({
    endpoint: { address: { socket_address: { address, port_value: port } } },
  }));
  return {
    resources: [
      {
        ...type("envoy.config.endpoint.v3.ClusterLoadAssignment"),
        cluster_name: "bench",
        endpoints: [{ lb_endpoints: members }],
      },
    ],
  };
}

function envoyConfiguration(port: number, policy: string, members: string): unknown {
  const http = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
  return {
    node: { id: "bench", cluster: "bench" },
    static_resources: {
      listeners: [
        {
          name: "in",
          address: { socket_address: { address: "127.0.0.1", port_value: port } },
          filter_chains: [
            {
              filters: [
                {
                  name: "http",
                  typed_config: {
                    ...type(http),
                    stat_prefix: "in",
                    route_config: {
                      virtual_hosts: [
                        {
                          name: "all",
                          domains: ["*"],
                          routes: [{ match: { prefix: "/" }, route: { cluster: "bench" } }],
                        },
                      ],
                    },
                    http_filters: [
                      {
                        name: "router",
                        typed_config: type("envoy.extensions.filters.http.router.v3.Router"),
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
      clusters: [
        {
          name: "bench",
          type: "EDS",
          connect_timeout: "2s",
          lb_policy: policy,
          eds_cluster_config: { eds_config: { path_config_source: { path: members } } },
        },
      ],
    },
  };
}
