/** grpc-go's own interoperability programs and their cases. */
import { findGoTool } from "../go-tools.ts";

export interface GrpcGo {
  readonly client: string;
  readonly server: string;
}

const version = "v1.83.1";

/** A text says why there are none. */
export async function findGrpcGo(): Promise<GrpcGo | string> {
  const part = (name: "client" | "server"): ReturnType<typeof findGoTool> =>
    findGoTool({
      name: `grpc-go-${name}`,
      variable: `WEFT_GRPC_INTEROP_${name.toUpperCase()}`,
      source: `google.golang.org/grpc/interop/${name}`,
      version,
    });
  const [client, server] = [await part("client"), await part("server")];
  if ("missing" in client) return client.missing;
  if ("missing" in server) return server.missing;
  return { client: client.path, server: server.path };
}

/** Cases that need neither a cloud nor another server than grpc-go's. */
export const grpcGoCases = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "timeout_on_sleeping_server",
  "cancel_after_begin",
  "cancel_after_first_response",
  "status_code_and_message",
  "special_status_message",
  "custom_metadata",
  "unimplemented_method",
  "unimplemented_service",
  "rpc_soak",
  "channel_soak",
] as const;

/** Load reports in trailers and beside calls: only grpc-go's server has them. */
export const grpcGoServerCases = ["orca_per_rpc", "orca_oob"] as const;
/** Needs a server that tells its id, which grpc-go's does not. */
export const grpcJsServerCases = ["pick_first_unary"] as const;

/** What cases need on the client's command line besides their name. */
export const grpcGoConfigs: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  grpcGoServerCases.map((name) => [
    name,
    ["-service_config_json", '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'],
  ]),
);
