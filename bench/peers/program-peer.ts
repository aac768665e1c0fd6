/** A peer that is one program with one configuration file. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { base64Of } from "../certificates.ts";
import { type Bench, freePort, proxyCore } from "../processes.ts";
import { fillTemplate, type TemplateValues } from "../template.ts";
import type { Peer, PeerTask, RunningPeer, Work } from "./peer.ts";

export interface ProgramPeer {
  readonly name: string;
  readonly program: () => string | null;
  readonly install: string;
  readonly versionArguments: readonly string[];
  /** Its first group is the version. */
  readonly versionPattern: RegExp;
  readonly templates: Partial<Record<Work, string>>;
  readonly fileName: string;
  command(program: string, file: string, home: string): string[];
  /** Values beyond the ports and paths that every template may use; may write files into `home`. */
  values?(task: PeerTask, home: string, listenPort: number): TemplateValues;
  running?(home: string, values: TemplateValues): Pick<RunningPeer, "metricsUrl" | "applyRoutes">;
}

/** Beyond the clients': upstream connections, listeners. Some programs allocate for each that may come. */
const spareConnections = 2_048;

export function programPeer(options: ProgramPeer): Peer {
  return {
    name: options.name,
    missing: () => (options.program() === null ? options.install : undefined),
    start: (bench, task) => start(options, bench, task),
  };
}

async function start(options: ProgramPeer, bench: Bench, task: PeerTask): Promise<RunningPeer> {
  const program = options.program();
  const template = options.templates[task.work];
  if (program === null || template === undefined)
    throw new Error(`${options.name} has no configuration for ${task.work}`);
  const home = join(bench.directory, "home");
  mkdirSync(home, { recursive: true });
  const listenPort = freePort();
  const values: TemplateValues = {
    home,
    listenPort,
    ...commonValues(task),
    ...options.values?.(task, home, listenPort),
  };
  const file = join(home, options.fileName);
  writeFileSync(file, fillTemplate(template, values));
  const process = bench.start(proxyCore, options.command(program, file, home));
  await process.listening(listenPort);
  return {
    version: versionOf(program, options),
    port: listenPort,
    pids: [process.pid],
    ...options.running?.(home, values),
  };
}

export function commonValues({ upstreamPort, certificates, connections }: PeerTask): TemplateValues {
  const { rootFile, client, server } = certificates;
  return {
    upstreamPort,
    maxConnections: connections + spareConnections,
    rootFile,
    certificateFile: server.chainFile,
    keyFile: server.keyFile,
    certificateAndKeyFile: server.combinedFile,
    certificateBase64: base64Of(server.chainFile),
    keyBase64: base64Of(server.keyFile),
    serverIdentity: server.identity,
    serverChainFile: server.chainFile,
    serverKeyFile: server.keyFile,
    clientIdentity: client.identity,
    clientChainFile: client.chainFile,
    clientKeyFile: client.keyFile,
  };
}

export function versionOf(
  program: string,
  { versionArguments, versionPattern }: Pick<ProgramPeer, "versionArguments" | "versionPattern">,
): string {
  // nginx writes its version to standard error.
  const result = Bun.spawnSync([program, ...versionArguments]);
  return versionPattern.exec(result.stdout.toString() + result.stderr.toString())?.[1] ?? "unknown";
}
