/** How a round goes for each kind of load. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runH2load } from "../loads/h2load.ts";
import { type LoadReport, parseLoadReport } from "../loads/load-report.ts";
import { requestHeaders } from "../loads/request-headers.ts";
import { runWrk } from "../loads/wrk.ts";
import { type ProgramName, startProgram } from "../programs/start.ts";
import { benchRoutes } from "../routes.ts";
import type { Load } from "../scenarios/scenario.ts";
import { grpcMessage, grpcPath } from "../upstreams/answer.ts";
import { idleRound } from "./idle-round.ts";
import { measured, type RoundResult, type RoundTask } from "./round.ts";
import { stallRound } from "./stall-round.ts";

export function runRound(task: RoundTask): Promise<RoundResult> {
  const { load } = task.scenario;
  switch (load.kind) {
    case "wrk":
      return measured(task, () => wrk(task, load));
    case "h2load":
      return measured(task, () => h2load(task, load));
    case "rate":
      return measured(task, () => rate(task, load.requestsPerSecond));
    case "bytes":
      return measured(task, () => program(task, "byte-load", {}));
    case "messages":
      return measured(task, () => program(task, "message-load", { streams: load.streams }));
    case "handshakes":
      return measured(task, () => program(task, "handshake-load", {}));
    case "idle":
      return idleRound(task);
    case "stall":
      return stallRound(task, load);
  }
}

function wrk(task: RoundTask, load: Extract<Load, { kind: "wrk" }>): Promise<LoadReport> {
  const { scenario, peer } = task;
  // wrk sends the URL's host as the server name, and an address is none (RFC 6066, 3): weft refuses it.
  const origin = load.isTls === true ? "https://localhost" : "http://127.0.0.1";
  return runWrk(task.bench, {
    url: `${origin}:${peer.port}${load.path}`,
    connections: scenario.connections,
    seconds: task.seconds,
    headers: [...requestHeaders(scenario.headers), ...(load.isClosing === true ? ["connection: close"] : [])],
    minResponseBytes: load.minResponseBytes,
    routes: scenario.work === "routes" ? benchRoutes(task.routes) : [],
  });
}

function h2load(task: RoundTask, load: Extract<Load, { kind: "h2load" }>): Promise<LoadReport> {
  const { scenario, peer } = task;
  const grpcHeaders = ["content-type: application/grpc", "te: trailers"];
  const bodyFile = join(task.bench.directory, "message");
  if (load.isGrpc) writeFileSync(bodyFile, grpcMessage());
  return runH2load(task.bench, {
    url: `http://127.0.0.1:${peer.port}${load.isGrpc ? grpcPath : "/"}`,
    connections: scenario.connections,
    seconds: task.seconds,
    headers: [...requestHeaders(scenario.headers), ...(load.isGrpc ? grpcHeaders : [])],
    streams: load.streams,
    ...(load.isGrpc ? { bodyFile } : {}),
  });
}

function rate(task: RoundTask, requestsPerSecond: number): Promise<LoadReport> {
  return runH2load(task.bench, {
    url: `http://127.0.0.1:${task.peer.port}/`,
    connections: task.scenario.connections,
    seconds: task.seconds,
    headers: requestHeaders(task.scenario.headers),
    http1: true,
    streams: 1,
    requestsPerSecond,
  });
}

async function program(
  { bench, scenario, peer, seconds }: RoundTask,
  name: ProgramName,
  more: Readonly<Record<string, number>>,
): Promise<LoadReport> {
  const settings = { port: peer.port, connections: scenario.connections, seconds, ...more };
  const load = startProgram(bench, name, settings, "pipe");
  const text = await load.output();
  return parseLoadReport(`${name} (${load.lastWords()})`, text, await load.child.exited);
}
