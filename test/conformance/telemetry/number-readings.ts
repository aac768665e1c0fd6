/** How many requests every place that counts them tells of. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "../../../src/client/index.ts";
import type { TestMesh } from "../../e2e/harness/mesh.ts";
import type { Prometheus } from "../../e2e/harness/prometheus.ts";

/** By "GET 200" where methods are told apart, else by "200". */
export type Counts = Readonly<Record<string, number>>;

export interface Reading {
  readonly place: string;
  /** `class`: 2xx, 4xx, 5xx. */
  readonly by: "kind" | "status" | "class";
  readonly counts: Counts;
}

const service = "default/web";
const workload = "default/web-v1";
const gateway = "weft-system/gateway";
const windowSeconds = 590;

export class MeshNumbers {
  readonly #api: string;
  readonly #token: string;
  readonly #client: ApiClient;

  constructor({ ready, dataDir }: TestMesh) {
    this.#api = ready.api;
    this.#token = readFileSync(join(dataDir, "token"), "utf8").trim();
    this.#client = new ApiClient({ server: this.#api, token: this.#token });
  }

  get token(): string {
    return this.#token;
  }

  /** `prometheus` absent: it is not asked. */
  async readings(prometheus: Prometheus | undefined): Promise<Reading[]> {
    return [
      ...(await this.#proxies()),
      ...(await this.#controlPlane()),
      ...(await this.#documents()),
      ...(prometheus === undefined ? [] : await ofPrometheus(prometheus)),
    ];
  }

  /** Milliseconds, of all that came to the service. */
  async quantiles(): Promise<{ readonly p50Ms: number; readonly p99Ms: number; readonly count: number }> {
    const { groups } = await this.#client.signals({ service, fromMs: Date.now() - windowSeconds * 1_000 });
    const [all] = groups;
    if (all === undefined) throw new Error(`no signals of ${service}`);
    return all.totals;
  }

  /** Sums of a metric on the page of one proxy (port 15020, through the control plane), or of the control plane. */
  async sums(of: string, metric: string, keyOf: KeyOf): Promise<Counts> {
    if (of === "control") return sumsOnPage(await this.#page("/metrics"), metric, keyOf);
    const targets = await this.#client.prometheusTargets("control");
    const found = targets.find(({ labels }) => labels["instance"] === of);
    if (found === undefined) throw new Error(`${of} is not to be scraped`);
    return sumsOnPage(await this.#page(found.labels["__metrics_path__"] ?? ""), metric, keyOf);
  }

  async #proxies(): Promise<Reading[]> {
    const read = async (place: string, name: string, side: string): Promise<Reading> => {
      const counts = await this.sums(name, `http_${side}_request_duration_seconds_count`, toService(kindOf));
      return { place, by: "kind", counts };
    };
    return [
      await read("client's proxy", gateway, "client"),
      await read("server's proxy", workload, "server"),
    ];
  }

  async #controlPlane(): Promise<Reading[]> {
    const read = (direction: string): Promise<Counts> =>
      this.sums(
        "control",
        "weft_mesh_exchanges_total",
        toService((labels) => (labels["direction"] === direction ? labels["response_code"] : undefined)),
      );
    return [
      { place: "control plane, of clients", by: "status", counts: await read("outbound") },
      { place: "control plane, of servers", by: "status", counts: await read("inbound") },
    ];
  }

  /** What the dashboard draws. */
  async #documents(): Promise<Reading[]> {
    const fromMs = Date.now() - windowSeconds * 1_000;
    const signals = async (place: string, of: { service: string } | { workload: string }, isOut = false) => {
      const direction = isOut ? "outbound" : "inbound";
      const { groups } = await this.#client.signals({ ...of, direction, by: "code", fromMs });
      const counts = Object.fromEntries(groups.map(({ key, totals }) => [key, totals.count]));
      const points = groups.map(({ points }) => points.reduce((sum, { count }) => sum + count, 0));
      if (points.join() !== Object.values(counts).join())
        throw new Error(`points of ${place} are not its totals`);
      return { place, by: "status", counts } as const;
    };
    const topology = async (by: "service" | "workload", end: string): Promise<Reading> => {
      const { edges } = await this.#client.topology(windowSeconds, { by });
      const counts: Record<string, number> = {};
      for (const edge of edges) {
        if (edge.destination !== end) continue;
        for (const [name, count] of Object.entries(edge.classes)) counts[name] = (counts[name] ?? 0) + count;
      }
      return { place: `topology by ${by}`, by: "class", counts };
    };
    return [
      await signals("signals of the service", { service }),
      await signals("signals of the workload", { workload }),
      await signals("signals of the gateway", { workload: gateway }, true),
      await topology("service", service),
      await topology("workload", workload),
    ];
  }

  async #page(path: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.#token}` };
    const response = await fetch(new URL(path, this.#api), { headers, signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.text();
  }
}

async function ofPrometheus(prometheus: Prometheus): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const side of ["client", "server"]) {
    const metric = `http_${side}_request_duration_seconds_count{destination_service="${service}"}`;
    const samples = await prometheus.query(
      `sum by (http_request_method, http_response_status_code) (${metric})`,
    );
    const counts = Object.fromEntries(samples.map(({ metric: labels, value }) => [kindOf(labels), value]));
    readings.push({ place: `Prometheus, of ${side}s' proxies`, by: "kind", counts });
  }
  for (const direction of ["outbound", "inbound"]) {
    const metric = `weft_mesh_exchanges_total{destination_service="${service}",direction="${direction}"}`;
    const counts = await prometheus.sums(metric, "response_code");
    readings.push({ place: `Prometheus, of the control plane, ${direction}`, by: "status", counts });
  }
  return readings;
}

type Labels = Readonly<Record<string, string>>;
/** Undefined: the sample is not wanted. */
type KeyOf = (labels: Labels) => string | undefined;

function kindOf(labels: Labels): string {
  return `${labels["http_request_method"]} ${labels["http_response_status_code"]}`;
}

export function toService(keyOf: KeyOf): KeyOf {
  return (labels) => (labels["destination_service"] === service ? keyOf(labels) : undefined);
}

function sumsOnPage(page: string, metric: string, keyOf: KeyOf): Counts {
  const sums: Record<string, number> = {};
  for (const line of page.split("\n")) {
    const [, name, text = "", value] = /^(\w+)\{(.*)\} (\d+)$/.exec(line) ?? [];
    if (name !== metric) continue;
    const labels = [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", said = ""]) => [key, said]);
    const key = keyOf(Object.fromEntries(labels));
    if (key !== undefined) sums[key] = (sums[key] ?? 0) + Number(value);
  }
  return sums;
}
