/**
 * Debian's Prometheus at a running mesh through `examples/observability`: every target is up, every request is counted once at each
 * end, rules and boards speak of metrics that there are, and promtool finds nothing.
 */
import { describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "../../src/client/index.ts";
import { seriesFamilies } from "../../src/proxy/telemetry/series-families.ts";
import { eventually } from "./harness/eventually.ts";
import { Exposition } from "./harness/exposition.ts";
import { root, startMesh, type TestMesh } from "./harness/mesh.ts";
import { Prometheus, PrometheusFolder, promtool } from "./harness/prometheus.ts";
import { boardExpressions, groupedBy, ruleExpressions, selectorsIn } from "./harness/promql.ts";
import {
  type IsolationName,
  missingPrograms,
  testUnless,
  testWithIsolation,
} from "./harness/requirements.ts";
import { gatewayTo, versionService, webProgram, yaml } from "./harness/resources.ts";

const requests = 200;
const timeoutMs = 60_000;
const missing = missingPrograms(["prometheus", "promtool"]);
const kinds: readonly IsolationName[] = ["netns", "userns", "loopback"];

const files = {
  "programs.yaml": yaml(webProgram("v1"), webProgram("v2")),
  "routes.yaml": yaml(
    versionService("web", "v1"),
    versionService("web", "v2"),
    gatewayTo({ "web-v1": 50, "web-v2": 50 }),
  ),
};

testUnless(missing)(
  "every target is up and counts what was sent, no more, no less, at both ends; rules and boards speak of what there is",
  async () => {
    await using mesh = await startMesh({ files });
    using folder = new PrometheusFolder(mesh.ready.api, tokenOf(mesh));
    await using prometheus = await Prometheus.start(folder);
    const sent = await send(mesh, requests);
    await allExist(mesh, prometheus);
    await allAreUp(mesh, prometheus);

    for (const side of ["client", "server"]) {
      const metric = `http_${side}_request_duration_seconds_count{destination_service=~"default/web-v."}`;
      await eventually(async () => {
        expect(await prometheus.sums(metric, "destination_service")).toEqual(sent);
      });
      expect(await prometheus.sums(metric, "http_response_status_code")).toEqual({ "200": requests });
      expect(await prometheus.sums(metric, "mtls")).toEqual({ true: requests });
    }
    const reported = 'weft_mesh_exchanges_total{destination_service=~"default/web-v."}';
    await eventually(async () => {
      expect(await prometheus.sums(reported, "direction")).toEqual({
        inbound: requests,
        outbound: requests,
      });
    });
    await eventually(async () => {
      expect(await prometheus.brokenRules()).toEqual([]);
    });
    // It was not there yet when the rules were evaluated first.
    expect(await prometheus.query('ALERTS{alertname!="WeftControlPlaneAway"}')).toEqual([]);
  },
  timeoutMs,
);

describe.each(kinds)("%s", (isolation) => {
  testWithIsolation(isolation)("proxies are scraped through the control plane", async () => {
    await using mesh = await startMesh({ isolation, files });
    await send(mesh, 20);
    const { control: _, ...proxies } = Object.fromEntries(await expositions(mesh));
    expect(Object.keys(proxies).toSorted()).toEqual([
      "default/web-v1",
      "default/web-v2",
      "weft-system/gateway",
    ]);
    const pages = Object.values(proxies).join("\n");
    for (const side of ["client", "server"]) {
      const samples = [
        ...pages.matchAll(new RegExp(`^http_${side}_request_duration_seconds_count.* (\\d+)$`, "gm")),
      ];
      expect(samples.reduce((sum, [, value]) => sum + Number(value), 0)).toBe(20);
    }
  });
});

testUnless(missing)(
  "promtool takes configuration and rules, and every alert fires where it must",
  async () => {
    using folder = new PrometheusFolder("http://127.0.0.1:15080", "token");
    for (const args of [
      ["check", "config", "prometheus.yml"],
      ["check", "rules", "recording-rules.yml", "alerts.yml"],
      ["test", "rules", "rules_test.yaml"],
    ]) {
      const { code, stdout, stderr } = await folder.promtool(...args);
      expect([args[1], code, code === 0 ? "" : stdout + stderr]).toEqual([args[1], 0, ""]);
    }
  },
);

/** Metrics and labels of rules and boards, by what proxies and the control plane write; and Prometheus can read every query. */
async function allExist(mesh: TestMesh, prometheus: Prometheus): Promise<void> {
  const pages = await expositions(mesh);
  for (const [name, page] of pages) {
    const { code, stdout, stderr } = await promtool(root, ["check", "metrics"], page);
    expect([name, code, stdout, stderr]).toEqual([name, 0, "", ""]);
  }
  const exposition = new Exposition([...pages.values()].join("\n"), goldenLabels());
  const rules = ruleExpressions();
  const recorded = new Set(["up", ...rules.map(({ place }) => place)]);
  const boards = boardExpressions({ namespace: ".*", service: "default/web-v1", workload: "default/web-v1" });
  const unknown = [...rules, ...boards].flatMap(({ place, text }) =>
    selectorsIn(text).flatMap(({ metric, labels }) => {
      if (recorded.has(metric)) return [];
      if (!exposition.has(metric)) return [`${place}: there is no ${metric}`];
      return [...labels, ...groupedBy(text)]
        .filter((label) => !exposition.hasLabel(metric, label))
        .map((label) => `${place}: ${metric} has no label ${label}`);
    }),
  );
  expect(unknown).toEqual([]);
  expect(boards.length).toBeGreaterThan(80);
  for (const { place, text } of boards) {
    expect(text).not.toContain("$");
    await prometheus.query(text).catch((error: unknown) => expect(`${place}: ${String(error)}`).toBe(""));
  }
}

async function allAreUp(mesh: TestMesh, prometheus: Prometheus): Promise<void> {
  const places = [new URL(mesh.ready.api).host, "default/web-v1", "default/web-v2", "weft-system/gateway"];
  // It looks for new targets every five seconds, and hands them on as often.
  await eventually(async () => {
    const targets = await prometheus.targets();
    const seen = targets.map(
      ({ labels, health, lastError }) => `${labels["instance"]} ${health} ${lastError}`,
    );
    expect(seen.toSorted()).toEqual(places.map((place) => `${place} up `));
  }, 25_000);
  expect(await prometheus.query("up == 1")).toHaveLength(places.length);
  const labels = 'namespace="default",service_account="web",role="sidecar",version="v1"';
  expect(await prometheus.query(`up{${labels}}`)).toHaveLength(1);
}

/** How many went to which service. */
async function send(mesh: TestMesh, count: number): Promise<Record<string, number>> {
  const sent: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const response = await mesh.get("/");
    expect(response.status).toBe(200);
    const service = `default/web-${(await response.text()).trim()}`;
    sent[service] = (sent[service] ?? 0) + 1;
  }
  return sent;
}

/** Those of golden signals are left out where they are empty, so samples of a mesh that is well do not tell. */
function goldenLabels(): Map<string, readonly string[]> {
  return new Map(
    seriesFamilies.flatMap(({ name, labelNames }) =>
      ["", "_bucket", "_sum", "_count"].map((suffix) => [`${name}${suffix}`, [...labelNames, "le"]] as const),
    ),
  );
}

function tokenOf(mesh: TestMesh): string {
  return readFileSync(join(mesh.dataDir, "token"), "utf8").trim();
}

/** Of each proxy, through the control plane, and its own. */
async function expositions(mesh: TestMesh): Promise<Map<string, string>> {
  const { api } = mesh.ready;
  const authorization = `Bearer ${tokenOf(mesh)}`;
  const read = async (path: string): Promise<string> => {
    const response = await fetch(new URL(path, api), { headers: { authorization } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.text();
  };
  const targets = await new ApiClient({ server: api, token: tokenOf(mesh) }).prometheusTargets("control");
  const pages = new Map([["control", await read("/metrics")]]);
  for (const { labels } of targets)
    pages.set(labels["instance"] ?? "", await read(labels["__metrics_path__"] ?? ""));
  return pages;
}
