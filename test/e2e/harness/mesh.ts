/**
 * A whole mesh for one test: `bin/weft up` as a child process with ports, data and runtime folders of its own. Disposing of it ends it as
 * Ctrl-C would, and fails the test when anything of it is left.
 */
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, type Running, spawnProcess } from "./child-process.ts";
import { machineState, processesWithMark } from "./machine-state.ts";

export const root = join(import.meta.dir, "..", "..", "..");
export const weftProgram = join(root, "bin", "weft");
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;

export interface MeshOptions {
  readonly isolation?: "auto" | "netns" | "userns" | "loopback";
  /** Folder with programs and resources, relative to the repository. */
  readonly dir?: string;
  /** Or the files themselves, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The data of an earlier mesh; then it is kept. */
  readonly dataDir?: string;
  /** Name, data and runtime folder of one that ended; what it left there is this one's to deal with. */
  readonly again?: TestMesh;
  /** Somebody else: the start of the command line that makes it so, and whose the folders are. */
  readonly as?: { readonly argv: readonly string[]; readonly uid: number };
}

export interface ReadyLine {
  readonly instance: string;
  readonly isolation: string;
  readonly api: string;
  readonly gateway?: string;
  readonly workloads: number;
  readonly revision: number;
  readonly tookMs: number;
}

export interface RunSpec {
  readonly service: string;
  readonly command: readonly string[];
  readonly name?: string;
  readonly ports?: readonly string[];
  readonly upstreams?: readonly string[];
  readonly options?: readonly string[];
  readonly stdin?: string;
}

export async function startMesh(options: MeshOptions = {}): Promise<TestMesh> {
  const { again, as } = options;
  const folder = again?.folder ?? mkdtempSync(join(tmpdir(), "wt-"));
  const before = machineState();
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true });
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(files, name), text);
  if (as !== undefined) chownSync(folder, as.uid, as.uid);
  const instance = again?.instance ?? `t-${crypto.randomUUID().slice(0, 8)}`;
  const dataDir = options.dataDir ?? again?.dataDir ?? join(folder, "data");
  const env = { ...process.env, ...options.env, WEFT_RUNTIME_DIR: join(folder, "run") };
  const up = spawnProcess(
    [
      ...(as?.argv ?? []),
      ...[weftProgram, "up", options.dir === undefined ? files : join(root, options.dir)],
      ...["--instance", instance, "--data-dir", dataDir, "--isolation", options.isolation ?? "auto"],
      ...["--api", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--log-format", "json"],
    ],
    { env, cwd: root },
  );
  try {
    const ready = await up.untilLine("stderr", readyTimeoutMs, readReady);
    return new TestMesh({ folder, instance, dataDir, env, up, ready, before });
  } catch (error) {
    up.kill("SIGTERM");
    await up.within(stopTimeoutMs);
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function readReady(line: string): ReadyLine | undefined {
  if (!line.includes('"event":"ready"')) return undefined;
  return JSON.parse(line);
}

interface MeshParts {
  readonly folder: string;
  readonly instance: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly up: Running;
  readonly ready: ReadyLine;
  readonly before: string;
}

export class TestMesh implements AsyncDisposable {
  readonly instance: string;
  readonly dataDir: string;
  readonly ready: ReadyLine;
  readonly up: Running;
  /** Holds its files, data and runtime folder. */
  readonly folder: string;
  readonly runtimeDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly #parts: MeshParts;
  readonly #runs: Running[] = [];
  #isEnded = false;

  constructor(parts: MeshParts) {
    this.#parts = parts;
    this.instance = parts.instance;
    this.dataDir = parts.dataDir;
    this.ready = parts.ready;
    this.up = parts.up;
    this.folder = parts.folder;
    this.runtimeDir = join(parts.folder, "run");
    this.env = parts.env;
  }

  /** The command line against this mesh, to its end. */
  async weft(...args: readonly string[]): Promise<Finished> {
    return this.#spawn([weftProgram, ...args, "--instance", this.instance]).finished;
  }

  /** The same, with something to read on stdin. */
  weftInput(stdin: string, ...args: readonly string[]): Promise<Finished> {
    return this.#spawn([weftProgram, ...args, "--instance", this.instance], stdin).finished;
  }

  async weftJson<T>(...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.weft(...args, "-o", "json");
    if (code !== 0) throw new Error(`weft ${args.join(" ")} exited with ${code}: ${stderr}`);
    return JSON.parse(stdout);
  }

  /** One transaction, on every proxy when it returns. */
  async apply(yaml: string): Promise<void> {
    const { code, stderr } = await this.weftInput(yaml, "apply", "--wait", "-f", "-");
    if (code !== 0) throw new Error(`weft apply exited with ${code}: ${stderr}`);
  }

  /** A program under `weft run`; ended with the mesh if not before. */
  run(spec: RunSpec): Running {
    const options = [
      ...["--service", spec.service],
      ...(spec.name === undefined ? [] : ["--name", spec.name]),
      ...(spec.ports ?? []).flatMap((port) => ["--port", port]),
      ...(spec.upstreams ?? []).flatMap((upstream) => ["--upstream", upstream]),
      ...(spec.options ?? []),
    ];
    const child = this.#spawn(
      [weftProgram, "run", "--instance", this.instance, ...options, "--", ...spec.command],
      spec.stdin,
    );
    this.#runs.push(child);
    return child;
  }

  /** Through the gateway. */
  get(path: string, init: RequestInit = {}): Promise<Response> {
    if (this.ready.gateway === undefined) throw new Error("this mesh has no gateway");
    return fetch(new URL(path, this.ready.gateway), { ...init, signal: AbortSignal.timeout(10_000) });
  }

  async getJson<T>(path: string): Promise<T> {
    const response = await this.get(path);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`GET ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }

  /** Ends the mesh with a signal and says how it ended. */
  async end(signal: "SIGINT" | "SIGTERM" | "SIGKILL" = "SIGINT"): Promise<Finished> {
    this.#isEnded = true;
    this.up.kill(signal);
    return this.up.within(stopTimeoutMs);
  }

  /** Fails when a process, link, mount or file of this mesh is left. */
  assertNothingLeft(): void {
    const { folder, before } = this.#parts;
    const left = processesWithMark(join(folder, "run"));
    if (left.length > 0) throw new Error(`processes are left: ${left.join(", ")}`);
    const files = readdirSync(folder).filter((name) => name !== "files" && name !== "data");
    if (files.length > 0) throw new Error(`files are left: ${files.join(", ")}`);
    const after = machineState();
    if (after !== before) throw new Error(`links or mounts differ:\n${before}\nnow:\n${after}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const run of this.#runs) run.kill("SIGTERM");
      await Promise.all(this.#runs.map((run) => run.within(stopTimeoutMs)));
      if (!this.#isEnded) {
        const { code, stderr } = await this.end();
        if (code !== 0) throw new Error(`weft up exited with ${code}: ${stderr}`);
        this.assertNothingLeft();
      }
    } finally {
      rmSync(this.#parts.folder, { recursive: true, force: true });
    }
  }

  #spawn(argv: readonly string[], stdin?: string): Running {
    return spawnProcess(argv, { env: this.#parts.env, cwd: root, ...(stdin === undefined ? {} : { stdin }) });
  }
}
