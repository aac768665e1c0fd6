/** A proxy that is a program of its own: started with a configuration file in a folder that goes with it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../../src/proxy/testing/eventually.ts";
import type { Peer, RunningPeer } from "./peer.ts";

const startTimeoutMs = 20_000;
const stopTimeoutMs = 3_000;

export interface Program {
  readonly name: string;
  readonly install: string;
  /** The program's file, or null. */
  find(): string | null;
  readonly configFile: string;
  /** One listener for each upstream. */
  configure(pairs: readonly Pair[], directory: string): string;
  command(program: string, configFile: string): readonly string[];
  readonly versionCommand: string;
  readonly version: RegExp;
}

interface Pair {
  readonly port: number;
  readonly upstreamPort: number;
}

export function programPeer(program: Program): Peer {
  return {
    name: program.name,
    missing: () => (program.find() === null ? program.install : undefined),
    start: (upstreamPorts) => start(program, upstreamPorts),
  };
}

async function start(program: Program, upstreamPorts: readonly number[]): Promise<RunningPeer> {
  const executable = program.find();
  if (executable === null) throw new Error(`${program.name} is not installed: ${program.install}`);
  const directory = mkdtempSync(join(tmpdir(), `weft-conformance-${program.name}-`));
  const pairs = upstreamPorts.map((upstreamPort): Pair => ({ port: freePort(), upstreamPort }));
  const file = join(directory, program.configFile);
  writeFileSync(file, program.configure(pairs, directory));
  const log = Bun.file(join(directory, "output.log"));
  const child = Bun.spawn([...program.command(executable, file)], {
    cwd: directory,
    stdout: log,
    stderr: log,
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await Promise.race([child.exited, Bun.sleep(stopTimeoutMs)]);
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };
  const deadline = performance.now() + startTimeoutMs;
  for (const { port } of pairs) {
    while (!(await isListening(port))) {
      if (child.exitCode === null && performance.now() < deadline) {
        await Bun.sleep(50);
        continue;
      }
      const output = await log.text();
      await stop();
      throw new Error(`${program.name} does not listen: ${output.slice(-2_000)}`);
    }
  }
  const told = Bun.spawnSync([executable, program.versionCommand]);
  const version = program.version.exec(`${told.stdout.toString()}${told.stderr.toString()}`)?.[1] ?? "?";
  return { version, ports: pairs.map(({ port }) => port), stop };
}

async function isListening(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch {
    return false;
  }
}
