/** Starts the programs of a bench run pinned to a core, and ends exactly those. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Proxies have this core to themselves; the load generator and the upstream share the other. */
export const proxyCore = 0;
export const loadCore = 1;

export class Bench implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "weft-bench-"));
  readonly #children: Bun.Subprocess[] = [];

  /** The child's own pid: `taskset` replaces itself by the program. */
  start(
    core: number,
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Bun.Subprocess {
    const log = Bun.file(join(this.directory, `${this.#children.length}.log`));
    const child = Bun.spawn(["taskset", "-c", String(core), ...command], {
      cwd: this.directory,
      env: { ...process.env, ...env },
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) {
      child.kill("SIGTERM");
      await Promise.race([child.exited, Bun.sleep(5000)]);
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Resolves once something accepts connections there; rejects after `timeoutMs`. */
export async function listening(port: number, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    await Bun.sleep(50);
  }
  throw new Error(`nothing listened on 127.0.0.1:${port} within ${timeoutMs} ms`);
}

/** A port that was free a moment ago. Peers that cannot bind port 0 and report it need one. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
