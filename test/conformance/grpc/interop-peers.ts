/** The programs that speak through the sidecars: how each is started as a server, and how each runs a case as a client. */
import { join } from "node:path";
import { type Running, spawnProcess } from "../../e2e/harness/child-process.ts";
import { eventually } from "../../e2e/harness/eventually.ts";
import { freePort } from "../free-port.ts";
import { type GrpcGo, grpcGoCases, grpcGoConfigs, grpcGoServerCases, grpcJsServerCases } from "./grpc-go.ts";

export interface CaseResult {
  readonly name: string;
  /** Undefined: it passed. */
  readonly problem: string | undefined;
}

export interface InteropPeer {
  readonly name: string;
  serve(): Promise<InteropServer>;
  /** Every case that the server passes without a mesh, on 127.0.0.1. */
  run(port: number, serverName: string): AsyncIterable<CaseResult>;
  /** One call, to see that the way is open. */
  isAnswered(port: number): Promise<boolean>;
}

export interface InteropServer {
  readonly port: number;
  stop(): Promise<void>;
}

const programs = join(import.meta.dir, "programs");
const startTimeoutMs = 15_000;
const caseTimeoutMs = 60_000;
const allTimeoutMs = 240_000;
const stopTimeoutMs = 5_000;

export const grpcJs: InteropPeer = {
  name: "grpc-js",
  async serve() {
    const server = spawn(["node", "interop-server.mjs"], { GZIP: "1", PORT: "0" });
    const port = await server.untilLine("stdout", startTimeoutMs, (line) => {
      const [, digits] = /^listening (\d+)$/.exec(line) ?? [];
      return digits === undefined ? undefined : Number(digits);
    });
    return { port, stop: () => stop(server) };
  },
  async *run(port, serverName) {
    // grpc-go's server is built without gzip.
    const wanted = serverName === "grpc-js" ? "all,gzip" : "all";
    const { code, stdout, stderr } = await spawn([
      "node",
      "interop-client.mjs",
      `127.0.0.1:${port}`,
      wanted,
    ]).within(allTimeoutMs);
    let seen = 0;
    for (const line of stdout.split("\n")) {
      const [, not, name, problem = ""] = /^(not )?ok ([a-z_]+)(?:: (.*))?$/.exec(line) ?? [];
      if (name === undefined) continue;
      seen++;
      yield { name, problem: not === undefined ? undefined : problem };
    }
    if (seen === 0) yield { name: "the client itself", problem: `exited with ${code}: ${stderr.trim()}` };
  },
  async isAnswered(port) {
    const call = spawn(["node", "interop-client.mjs", `127.0.0.1:${port}`, "empty_unary"]);
    return (await call.within(caseTimeoutMs)).code === 0;
  },
};

export function grpcGo(tools: GrpcGo): InteropPeer {
  const runCase = async (port: number, name: string): Promise<CaseResult> => {
    const address = ["-server_host", "127.0.0.1", "-server_port", String(port)];
    const argv = [tools.client, ...address, ...(grpcGoConfigs[name] ?? []), "-test_case", name];
    const { code, stderr } = await spawn(argv).within(caseTimeoutMs);
    return { name, problem: code === 0 ? undefined : lastLine(stderr) };
  };
  return {
    name: "grpc-go",
    async serve() {
      const port = freePort();
      const server = spawn([tools.server, "-port", String(port)]);
      await eventually(() => connected(port), startTimeoutMs);
      return { port, stop: () => stop(server) };
    },
    async *run(port, serverName) {
      const more = serverName === "grpc-go" ? grpcGoServerCases : grpcJsServerCases;
      for (const name of [...grpcGoCases, ...more]) yield await runCase(port, name);
    },
    isAnswered: async (port) => (await runCase(port, "empty_unary")).problem === undefined,
  };
}

function spawn(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  return spawnProcess(argv, { cwd: programs, env: { ...process.env, ...env } });
}

async function stop(server: Running): Promise<void> {
  server.kill("SIGTERM");
  await server.within(stopTimeoutMs);
}

async function connected(port: number): Promise<void> {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.terminate();
}

function lastLine(text: string): string {
  return text.trim().split("\n").slice(-3).join(" ") || "no word";
}
