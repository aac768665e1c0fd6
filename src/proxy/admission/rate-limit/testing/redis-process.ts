/** A real Redis server on loopback, for one test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, freePort } from "../../../testing/eventually.ts";

export const hasRedis = Bun.which("redis-server") !== null;

export class RedisProcess {
  readonly port: number;
  readonly #arguments: readonly string[];
  readonly #password: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "weft-redis-"));
  #process: Bun.Subprocess;

  private constructor(port: number, args: readonly string[], password: string) {
    this.port = port;
    this.#arguments = args;
    this.#password = password;
    this.#process = this.#spawn();
  }

  /** `args` as on the command line. */
  static async start(args: readonly string[] = [], password = ""): Promise<RedisProcess> {
    const server = new RedisProcess(freePort(), args, password);
    await server.#isReady();
    return server;
  }

  /** Its whole answer. */
  async command(...parts: readonly string[]): Promise<string> {
    const login = this.#password === "" ? [] : ["-a", this.#password, "--no-auth-warning"];
    const client = Bun.spawn(["redis-cli", "-p", String(this.port), ...login, ...parts], {
      stderr: "ignore",
    });
    const text = await new Response(client.stdout).text();
    await client.exited;
    return text.trim();
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(name);
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  /** Another one in the place of the one that was killed. */
  async restart(): Promise<void> {
    this.#process = this.#spawn();
    await this.#isReady();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #spawn(): Bun.Subprocess {
    const fixed = ["--bind", "127.0.0.1", "--port", String(this.port), "--save", "", "--appendonly", "no"];
    const own = this.#password === "" ? [] : ["--requirepass", this.#password];
    return Bun.spawn(["redis-server", ...fixed, "--dir", this.#directory, ...own, ...this.#arguments], {
      stdout: "ignore",
      stderr: "ignore",
    });
  }

  async #isReady(): Promise<void> {
    await eventually(async () => (await this.command("PING")).endsWith("PONG"), "redis answers", 10_000);
  }
}
