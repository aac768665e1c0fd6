/** grpc-go's own interoperability programs: those that the environment names, else built with Go in a folder of this user's. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProcess } from "../../e2e/harness/child-process.ts";

export interface GrpcGo {
  readonly client: string;
  readonly server: string;
}

const version = "v1.83.1";
const buildTimeoutMs = 600_000;

/** A text says why there are none. */
export async function findGrpcGo(): Promise<GrpcGo | string> {
  const { WEFT_GRPC_INTEROP_CLIENT: client, WEFT_GRPC_INTEROP_SERVER: server } = process.env;
  if (client !== undefined && server !== undefined) return { client, server };
  const directory = join(tmpdir(), `weft-grpc-go-${version}-${process.getuid?.() ?? 0}`);
  const built = { client: join(directory, "client"), server: join(directory, "server") };
  if (existsSync(built.client) && existsSync(built.server)) return built;
  if (Bun.which("go") === null) {
    return "grpc-go: install Go, or set WEFT_GRPC_INTEROP_CLIENT and WEFT_GRPC_INTEROP_SERVER";
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, "go.mod"), "module scratch\n");
  const go = async (...args: string[]): Promise<string | undefined> => {
    const { code, stderr } = await spawnProcess(["go", ...args], { cwd: directory, env: process.env }).within(
      buildTimeoutMs,
    );
    return code === 0 ? undefined : `go ${args.join(" ")}: ${stderr.trim()}`;
  };
  for (const name of ["client", "server"] as const) {
    const source = `google.golang.org/grpc/interop/${name}`;
    const partial = `${built[name]}.partial`;
    const problem = (await go("get", `${source}@${version}`)) ?? (await go("build", "-o", partial, source));
    if (problem !== undefined) return problem;
    renameSync(partial, built[name]);
  }
  return built;
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
