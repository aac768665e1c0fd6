/** A control plane of its own with TLS, and kubectl with a home, a cache and a kubeconfig in a folder that goes when the test ends. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningControl, startControl } from "../../../src/control/index.ts";
import { silentLog } from "../../../src/kernel/index.ts";
import { TestAuthority } from "../../../src/apiserver/testing-certificates.ts";
import type { Call, Scenario } from "./scenario.ts";

const callTimeoutMs = 30_000;

/** Undefined: there is none of a version that this is about. */
export function findKubectl(): string | undefined {
  const path = process.env["WEFT_KUBECTL"] ?? Bun.which("kubectl");
  if (path === null) return undefined;
  const { stdout, exitCode } = Bun.spawnSync([path, "version", "--client", "-o", "json"]);
  return exitCode === 0 && /"gitVersion": "v1\.3[1-4]\./.test(stdout.toString()) ? path : undefined;
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class KubectlEnvironment implements AsyncDisposable {
  readonly directory: string;
  readonly control: RunningControl;
  readonly caFile: string;
  readonly #kubectl: string;
  /** How many calls were made. */
  calls = 0;

  private constructor(kubectl: string, directory: string, control: RunningControl) {
    this.#kubectl = kubectl;
    this.directory = directory;
    this.control = control;
    this.caFile = join(directory, "ca.pem");
  }

  static async start(kubectl: string): Promise<KubectlEnvironment> {
    const directory = mkdtempSync(join(tmpdir(), "weft-kubectl-"));
    const authority = new TestAuthority(directory);
    const { cert, key } = authority.server();
    const local = { address: "127.0.0.1", port: 0 };
    const control = await startControl({
      dataDir: join(directory, "data"),
      api: local,
      ads: local,
      apiTls: { certChainPem: cert, privateKeyPem: key },
      version: "0.0.0",
      log: silentLog,
    });
    mkdirSync(join(directory, "home"));
    return new KubectlEnvironment(kubectl, directory, control);
  }

  get token(): string {
    return readFileSync(this.control.tokenFile, "utf8").trim();
  }

  get environment(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: join(this.directory, "home"),
      KUBECONFIG: join(this.directory, "kubeconfig"),
      KUBECTL_KUBERC: "false",
    };
  }

  useKubeconfig(text: string): void {
    writeFileSync(join(this.directory, "kubeconfig"), text, { mode: 0o600 });
  }

  async kubectl(args: readonly string[], more: Pick<Partial<Call>, "stdin" | "env"> = {}): Promise<Ended> {
    this.calls++;
    const child = Bun.spawn([this.#kubectl, ...args], {
      env: { ...this.environment, ...more.env },
      cwd: import.meta.dir,
      stdin: new Blob([more.stdin ?? ""]),
      stdout: "pipe",
      stderr: "pipe",
      timeout: callTimeoutMs,
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { code, out, err };
  }

  /** Throws at the first call that prints something else. */
  async play({ name, calls }: Scenario): Promise<void> {
    const namespace = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .slice(0, 60);
    await this.kubectl(["create", "namespace", namespace]);
    const behind: Promise<void>[] = [];
    for (const call of calls) {
      const hasNamespace = call.args.some((word) => ["-n", "-A", "--raw"].includes(word));
      const args = hasNamespace ? call.args : [...call.args.slice(0, 1), ...beside(call.args, namespace)];
      const check = async (): Promise<void> => judge(call, await this.kubectl(args, call));
      if (call.isBackground === true) {
        const checked = check();
        checked.catch(() => {}); // said at the scenario's end
        behind.push(checked);
      } else await check();
    }
    await Promise.all(behind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control.drain();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Options may stand anywhere but behind `--`. */
function beside([, ...rest]: readonly string[], namespace: string): readonly string[] {
  const end = rest.indexOf("--");
  const option = `--namespace=${namespace}`;
  return end < 0 ? [...rest, option] : [...rest.slice(0, end), option, ...rest.slice(end)];
}

function judge(call: Call, { code, out, err }: Ended): void {
  const misses = [
    ...call.out
      .filter((expected) => !has(out, expected))
      .map((expected) => `stdout without ${String(expected)}`),
    ...call.err
      .filter((expected) => !has(err, expected))
      .map((expected) => `stderr without ${String(expected)}`),
    ...(code === call.code ? [] : [`exit code ${code}, not ${call.code}`]),
  ];
  if (misses.length === 0) return;
  throw new Error(
    `kubectl ${call.args.join(" ")}: ${misses.join("; ")}\n--- stdout\n${out}\n--- stderr\n${err}`,
  );
}

function has(text: string, expected: string | RegExp): boolean {
  return typeof expected === "string" ? text.includes(expected) : expected.test(text);
}
