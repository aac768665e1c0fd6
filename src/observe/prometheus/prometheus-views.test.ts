/** Views from a Prometheus server: a real one that scrapes a small exporter, and ones that do not answer as they should. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signals } from "../views/signals.ts";
import { PrometheusClient } from "./prometheus-client.ts";
import { prometheusServiceSums, prometheusSignals, prometheusTopology } from "./prometheus-views.ts";

const program = "/usr/bin/prometheus";
const cleanups: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

const groups = { groupOf: (workload: string): string => workload.replace(/-\d+$/, "") };
const names = { isGateway: () => false, serviceKind: () => "service" as const };

function serve(answer: () => Response | Promise<Response>): string {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  cleanups.push(() => server.stop(true));
  return `127.0.0.1:${server.port}`;
}

/** Ten requests of 50 ms, one of them failed, at each scrape. */
function exporter(): string {
  let scrapes = 0;
  const name = "http_client_request_duration_seconds";
  return serve(() => {
    scrapes++;
    const lines = ["200", "503"].flatMap((status) => {
      const count = scrapes * (status === "200" ? 9 : 1);
      const labels = [
        'source_workload="shop/web-1",destination_workload="shop/cart-1",destination_service="shop/cart"',
        `destination_version="v1",http_route="shop/r",http_response_status_code="${status}",mtls="true"`,
        `error_type="${status === "200" ? "" : "upstream_reset"}"`,
      ].join(",");
      return [
        `${name}_bucket{${labels},le="0.04"} 0`,
        `${name}_bucket{${labels},le="0.06"} ${count}`,
        `${name}_bucket{${labels},le="+Inf"} ${count}`,
        `${name}_count{${labels}} ${count}`,
        `${name}_sum{${labels}} ${count * 0.05}`,
      ];
    });
    return new Response(`# TYPE ${name} histogram\n${lines.join("\n")}\n`);
  });
}

/** Its address, once it serves. */
async function startPrometheus(target: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "weft-prometheus-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const configuration = {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: [{ job_name: "proxies", static_configs: [{ targets: [target] }] }],
  };
  const file = join(directory, "prometheus.json");
  writeFileSync(file, JSON.stringify(configuration));
  const child = Bun.spawn({
    cmd: [
      program,
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      "--web.listen-address=127.0.0.1:0",
    ],
    stdout: "ignore",
    stderr: "pipe",
  });
  cleanups.push(async () => {
    child.kill();
    await child.exited;
  });
  // It is read to its end: a program of Go ends when nobody takes what it writes to standard error.
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void (async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      text += decoder.decode(chunk, { stream: true });
      const address = /Listening on.*?address="?(127\.0\.0\.1:\d+)/.exec(text)?.[1];
      if (address !== undefined && text.includes("Server is ready to receive web requests")) resolve(address);
    }
    reject(new Error(`prometheus ended: ${text.slice(-500)}`));
  })();
  return promise;
}

test.skipIf(!existsSync(program))(
  "a Prometheus that scrapes proxies answers with the window's documents",
  async () => {
    const client = new PrometheusClient({
      url: `http://${await startPrometheus(exporter())}`,
      timeoutMs: 5_000,
    });
    const deadline = Date.now() + 20_000;
    const countAt = async (nowMs: number): Promise<number> => {
      const sums = await prometheusServiceSums(client, 30, { groups, nowMs });
      return sums.reduce((sum, [, figures]) => sum + figures.count, 0);
    };
    // One step of signals has to hold two scrapes: the first two may lie on both sides of its end.
    const signalsAt = (nowMs: number): Promise<Signals> =>
      prometheusSignals(
        client,
        { of: { service: "shop/cart" }, by: "code", fromMs: nowMs - 60_000 },
        { groups, nowMs: nowMs + 60_000 },
      );
    let nowMs = Date.now();
    let signals = await signalsAt(nowMs);
    while (((await countAt(nowMs)) < 20 || signals.groups.length < 2) && nowMs < deadline) {
      nowMs = Date.now();
      signals = await signalsAt(nowMs);
    }
    const query = { windowSeconds: 30, by: "service" } as const;
    const { from, edges } = await prometheusTopology(client, query, { groups, names, nowMs });
    expect([from, edges.length]).toEqual(["prometheus", 1]);
    expect(edges[0]).toMatchObject({ source: "shop/web", destination: "shop/cart", isMutualTls: true });
    expect(edges[0]?.successRate).toBeCloseTo(0.9, 1);
    expect(edges[0]?.p50Ms).toBeCloseTo(50, -1);
    expect(edges[0]?.reasons.map(({ reason }) => reason)).toEqual(["upstream_reset"]);
    expect(signals.groups.map(({ key }) => key).toSorted()).toEqual(["200", "503"]);
    const ofMesh = await prometheusSignals(
      client,
      { by: "destination", fromMs: nowMs - 60_000 },
      { groups, nowMs: nowMs + 60_000 },
    );
    expect(ofMesh.groups.map(({ key }) => key)).toEqual(["shop/cart"]);
  },
  60_000,
);

test.each<[string, () => Response | Promise<Response>, string]>([
  ["no JSON", () => new Response("<html>"), "without a result"],
  ["an error", () => Response.json({ status: "error" }, { status: 422 }), "answers 422"],
  ["another document", () => Response.json({ data: { result: 3 } }), "without a result"],
  ["nothing in time", () => new Promise(() => {}), "does not answer"],
])("a server that answers %s is told", async (_name, answer, message) => {
  const client = new PrometheusClient({ url: `http://${serve(answer)}/`, timeoutMs: 300 });
  const failure = await client.at("up", 1).catch((error: unknown) => error);
  expect(String(failure)).toContain(message);
});
