/** `weft serve` on a folder of its own, on ports that nobody has. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Finished, type Running, spawnProcess } from "./child-process.ts";
import { root, weftProgram } from "./mesh.ts";
import { httpPort } from "./resources.ts";
import { TemporaryFolder } from "./weft.ts";

const readyTimeoutMs = 60_000;
const endTimeoutMs = 60_000;

export interface ServeReady {
  readonly event: string;
  readonly gateway: string;
  readonly listeners: string;
  readonly admin?: string;
  readonly health?: string;
  readonly replaced?: number;
  readonly revision: number;
}

/** A Service whose only endpoint is a port of this machine. */
export function serviceAt(name: string, port: number): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ port: httpPort, appProtocol: "http" }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"] }],
      ports: [{ port }],
    },
  ];
}

export class Served implements AsyncDisposable {
  readonly folder: string;
  readonly ready: ServeReady;
  readonly #running: Running;
  readonly #dispose: () => void;

  constructor(folder: string, running: Running, ready: ServeReady, dispose: () => void) {
    this.folder = folder;
    this.ready = ready;
    this.#running = running;
    this.#dispose = dispose;
  }

  get pid(): number {
    return this.#running.pid;
  }

  get stderr(): string {
    return this.#running.stderr;
  }

  get finished(): Promise<Finished> {
    return this.#running.within(endTimeoutMs);
  }

  kill(signal: NodeJS.Signals): void {
    this.#running.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The second one does not wait.
    this.#running.kill("SIGTERM");
    this.#running.kill("SIGTERM");
    await this.finished;
    this.#dispose();
  }
}

/** With a gateway on any free port: the Gateway's own number does not matter. */
export async function startServe(
  files: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<Served> {
  const temporary = new TemporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(temporary.path, name), text);
  return await runServe(temporary.path, ["--gateway", "127.0.0.1:0", ...options], () =>
    temporary[Symbol.dispose](),
  );
}

export async function runServe(
  folder: string,
  options: readonly string[],
  dispose: () => void = () => {},
): Promise<Served> {
  const ports = options.includes("--listen-only")
    ? []
    : ["--admin", "127.0.0.1:0", "--health", "127.0.0.1:0"];
  const running = spawnProcess(
    [weftProgram, "serve", "-f", folder, "--log-format", "json", ...ports, ...options],
    { env: { ...process.env }, cwd: root },
  );
  const ready = await running.untilLine("stderr", readyTimeoutMs, readReady);
  return new Served(folder, running, ready, dispose);
}

function readReady(line: string): ServeReady | undefined {
  if (!line.includes('"event":"ready"')) return undefined;
  const ready: ServeReady = JSON.parse(line);
  return ready;
}
