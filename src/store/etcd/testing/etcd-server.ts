/** Real etcd processes on free loopback ports, for tests: one, or a cluster; stopped, killed, started again by their pid. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface EtcdMember {
  readonly port: number;
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Ends it, and starts it on the same data. */
  restart(): Promise<void>;
  /** Starts it where it was killed. */
  start(): Promise<void>;
  readonly ended: Promise<unknown>;
}

export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdMember[];
  /** For `--store`, without the mesh: `etcd://127.0.0.1:1,127.0.0.1:2`. */
  readonly url: string;
}

export interface ClusterOptions {
  readonly size?: number;
  /** Added to each member's command line. */
  readonly flags?: readonly string[];
  /** `https` where the flags say so; then no member is waited for by its health page. */
  readonly scheme?: "http" | "https";
}

const cached = join(import.meta.dir, "../../../../node_modules/.cache/weft/etcd/etcd");

/** Undefined: tests that need it are skipped (node scripts/fetch-etcd.mjs gets it). */
export function findEtcd(): string | undefined {
  const named = process.env["WEFT_ETCD"] ?? "";
  if (named !== "") return named;
  if (existsSync(cached)) return cached;
  return Bun.which("etcd") ?? undefined;
}

const startTimeoutMs = 30_000;

export async function startEtcd(options: ClusterOptions = {}): Promise<EtcdCluster> {
  const program = findEtcd();
  if (program === undefined) throw new Error("there is no etcd: node scripts/fetch-etcd.mjs");
  const { size = 1, flags = [], scheme = "http" } = options;
  const directory = mkdtempSync(join(tmpdir(), "weft-etcd-"));
  const ports = freePorts(size * 2);
  const peers = Array.from(
    { length: size },
    (_, index) => `m${index}=http://127.0.0.1:${ports[size + index]}`,
  );
  const members = Array.from(
    { length: size },
    (_, index) =>
      new Member({
        program,
        port: ports[index] ?? 0,
        scheme,
        log: join(directory, `m${index}.log`),
        argv: [
          ...["--name", `m${index}`, "--data-dir", join(directory, `m${index}`)],
          ...["--listen-client-urls", `${scheme}://127.0.0.1:${ports[index]}`],
          ...["--advertise-client-urls", `${scheme}://127.0.0.1:${ports[index]}`],
          ...["--listen-peer-urls", `http://127.0.0.1:${ports[size + index]}`],
          ...["--initial-advertise-peer-urls", `http://127.0.0.1:${ports[size + index]}`],
          ...["--initial-cluster", peers.join(","), "--initial-cluster-state", "new"],
          // A test asks nothing of a disk that fails; and two cores are shared by several.
          ...["--unsafe-no-fsync", "--heartbeat-interval", "50", "--election-timeout", "500"],
          ...["--log-level", "error", "--log-outputs", join(directory, `m${index}.log`)],
          ...flags,
        ],
      }),
  );
  const cluster: EtcdCluster = {
    members,
    url: `etcd://${members.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    async [Symbol.asyncDispose]() {
      for (const member of members) await member.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

interface MemberOptions {
  readonly program: string;
  readonly argv: readonly string[];
  readonly port: number;
  readonly scheme: "http" | "https";
  readonly log: string;
}

class Member implements EtcdMember {
  readonly #options: MemberOptions;
  #child: Bun.Subprocess | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#options.port;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get ended(): Promise<unknown> {
    return this.#child?.exited ?? Promise.resolve();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async start(): Promise<void> {
    const { program, argv, log } = this.#options;
    const child = Bun.spawn([program, ...argv], {
      stdio: ["ignore", Bun.file(`${log}.out`), Bun.file(`${log}.err`)],
    });
    this.#child = child;
    const endMs = performance.now() + startTimeoutMs;
    while (!(await this.#isHealthy())) {
      if (child.exitCode !== null || performance.now() > endMs)
        throw new Error(`etcd did not start: ${await Bun.file(`${log}.err`).text()}`);
      await Bun.sleep(20);
    }
  }

  async restart(): Promise<void> {
    await this.end();
    await this.start();
  }

  async end(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    // A stopped one would never hear of its end.
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await child.exited;
  }

  async #isHealthy(): Promise<boolean> {
    const { scheme, port } = this.#options;
    if (scheme === "https") return await isListening(port);
    try {
      const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1_000) });
      return (await response.text()).includes('"health":"true"');
    } catch {
      return false;
    }
  }
}

async function isListening(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

/** Held all together, so that they differ; free again when etcd takes them. */
function freePorts(count: number): number[] {
  const servers = Array.from({ length: count }, () =>
    Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }),
  );
  const ports = servers.map(({ port }) => port);
  for (const server of servers) server.stop();
  return ports;
}
