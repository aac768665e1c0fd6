/** Debian's Prometheus with the configuration of `examples/observability`, at a test's mesh and in a test's time. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finished, type Running, spawnProcess } from "./child-process.ts";
import { root } from "./mesh.ts";

export const observability = join(root, "examples", "observability");
const startTimeoutMs = 15_000;
const stopTimeoutMs = 15_000;

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

interface Vector {
  readonly resultType: string;
  readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
}

interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface RuleGroups {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly name: string;
      readonly health: string;
      readonly lastError?: string;
    }[];
  }[];
}

/** The example's folder with another control plane, and shorter intervals in the place of 15 seconds and minutes. */
export class PrometheusFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "weft-prometheus-"));

  constructor(api: string, token: string, interval = "1s") {
    cpSync(observability, this.path, { recursive: true });
    for (const name of ["prometheus.yml", "recording-rules.yml"]) {
      const file = join(this.path, name);
      const text = readFileSync(file, "utf8")
        .replaceAll("127.0.0.1:15080", new URL(api).host)
        .replaceAll(/interval: \d+[sm]/g, `interval: ${interval}`);
      writeFileSync(file, text);
    }
    writeFileSync(join(this.path, "token"), token, { mode: 0o600 });
  }

  promtool(...args: readonly string[]): Promise<Finished> {
    return promtool(this.path, args);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function promtool(cwd: string, args: readonly string[], stdin?: string): Promise<Finished> {
  return spawnProcess(["promtool", ...args], {
    cwd,
    env: process.env,
    ...(stdin === undefined ? {} : { stdin }),
  }).finished;
}

export class Prometheus implements AsyncDisposable {
  readonly #process: Running;
  readonly #url: string;

  private constructor(process_: Running, url: string) {
    this.#process = process_;
    this.#url = url;
  }

  static async start({ path }: PrometheusFolder): Promise<Prometheus> {
    const argv = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"];
    const running = spawnProcess([...argv, "--web.listen-address=127.0.0.1:0"], {
      cwd: path,
      env: process.env,
    });
    const place = await running.untilLine(
      "stderr",
      startTimeoutMs,
      (line) => /msg="Listening on" address=(\S+)/.exec(line)?.[1],
    );
    await running.untilLine(
      "stderr",
      startTimeoutMs,
      (line) => line.includes("ready to receive") || undefined,
    );
    return new Prometheus(running, `http://${place}`);
  }

  /** Throws with Prometheus' own words where the query is none. */
  async query(expression: string): Promise<Sample[]> {
    const { resultType, result } = await this.#get<Vector>("query", { query: expression });
    if (resultType !== "vector") return [];
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** Sums by one label. */
  async sums(metric: string, label: string): Promise<Record<string, number>> {
    const samples = await this.query(`sum by (${label}) (${metric})`);
    return Object.fromEntries(samples.map((each) => [each.metric[label] ?? "", each.value]));
  }

  async targets(): Promise<readonly Target[]> {
    return (await this.#get<{ activeTargets: Target[] }>("targets", { state: "active" })).activeTargets;
  }

  /** Rules that could not be evaluated, or were not yet. */
  async brokenRules(): Promise<string[]> {
    const { groups } = await this.#get<RuleGroups>("rules", {});
    const rules = groups.flatMap((group) => group.rules);
    if (rules.length === 0) return ["there is no rule"];
    return rules.flatMap(({ name, health, lastError }) =>
      health === "ok" ? [] : [`${name}: ${health} ${lastError ?? ""}`],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.within(stopTimeoutMs);
  }

  async #get<T>(path: string, query: Record<string, string>): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(query).toString()}`, {
      signal: AbortSignal.timeout(10_000),
    });
    // oxlint-disable-next-line no-unsafe-type-assertion -- Prometheus' documented answer
    const answer = (await response.json()) as Answer<T>;
    if (answer.status !== "success") throw new Error(`${query["query"] ?? path}: ${answer.error}`);
    return answer.data;
  }
}
