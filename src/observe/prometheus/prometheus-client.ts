/** Asks a Prometheus server's HTTP API. What it answers is bounded and checked: it is another system. */
import { errorLine, WeftError } from "../../kernel/index.ts";

export interface PrometheusOptions {
  /** Such as http://127.0.0.1:9090, with or without a path. */
  readonly url: string;
  readonly timeoutMs: number;
}

export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Unix seconds and value. */
  readonly points: readonly (readonly [timeSeconds: number, value: number])[];
}

export interface PrometheusRange {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly stepSeconds: number;
}

const maxAnswerBytes = 64 * 1_048_576;

export class PrometheusClient {
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor({ url, timeoutMs }: PrometheusOptions) {
    this.#url = url.replace(/\/+$/, "");
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects with `unreachable` where nobody answers in time, `unavailable` where the answer is none. */
  async at(query: string, timeSeconds: number): Promise<PrometheusSeries[]> {
    return this.#ask("query", { query, time: String(timeSeconds) });
  }

  /** Rejects as `at` does. */
  async over(query: string, range: PrometheusRange): Promise<PrometheusSeries[]> {
    const { startSeconds, endSeconds, stepSeconds } = range;
    const times = { start: String(startSeconds), end: String(endSeconds), step: String(stepSeconds) };
    return this.#ask("query_range", { query, ...times });
  }

  async #ask(path: string, fields: Record<string, string>): Promise<PrometheusSeries[]> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${this.#url}/api/v1/${path}`, {
        method: "POST",
        body: new URLSearchParams(fields),
        redirect: "error",
        // A connection that Prometheus has just closed for being idle must not fail a view.
        keepalive: false,
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      status = response.status;
      text = await readBounded(response);
    } catch (error) {
      if (error instanceof WeftError) throw error;
      throw new WeftError("unreachable", `Prometheus at ${this.#url} does not answer: ${errorLine(error)}`);
    }
    const result = status === 200 ? parseResult(text) : undefined;
    if (result !== undefined) return result;
    throw new WeftError("unavailable", `Prometheus at ${this.#url} answers ${status} without a result`);
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxAnswerBytes)
      throw new WeftError("unavailable", `Prometheus answers more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseResult(text: string): PrometheusSeries[] | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = memberOf(memberOf(answer, "data"), "result");
  return Array.isArray(result) ? result.map(readSeries) : undefined;
}

function readSeries(item: unknown): PrometheusSeries {
  const metric = memberOf(item, "metric");
  const labels = Object.entries(typeof metric === "object" && metric !== null ? metric : {}).map(
    ([name, value]) => [name, String(value)] as const,
  );
  const values = memberOf(item, "values");
  const pairs: readonly unknown[] = Array.isArray(values) ? values : [memberOf(item, "value")];
  return {
    labels: Object.fromEntries(labels),
    points: pairs.flatMap((pair) =>
      Array.isArray(pair) && pair.length === 2 ? [[Number(pair[0]), Number(pair[1])] as const] : [],
    ),
  };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
