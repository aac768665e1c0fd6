/** What weft top lists, in which order, and what hostile names become. */
import { expect, test } from "bun:test";
import type { TopologyEdge } from "../api/index.ts";
import { formatRows, serviceRows, sortRows, type TopSort, workloadRows } from "./top-rows.ts";

const service = (name: string, rps: number, successRate: number, p99Ms: number) => ({
  ...{
    namespace: "default",
    name,
    kind: "Service" as const,
    ports: [],
    workloads: 3,
    ready: 2,
    versions: ["v1"],
  },
  ...{ requestsPerSecond: rps, successRate, p50Ms: 1, p99Ms, mutualTlsShare: 1, history: [] },
});
const services = [service("web", 5, 0.5, 3), service("cart", 9, 1, 800), service("quiet", 0, 1, 0)];

test.each<[TopSort, string[]]>([
  ["rps", ["cart", "web", "quiet"]],
  ["ok", ["web", "cart", "quiet"]],
  ["p99", ["cart", "web", "quiet"]],
  ["name", ["cart", "quiet", "web"]],
])("by %s", (sort, expected) => {
  const rows = sortRows(serviceRows(services), sort);
  expect(rows.map(({ id }) => id.replace("default/", ""))).toEqual(expected);
});

test("services as a table; of those without traffic there are no figures", () => {
  const rows = sortRows(serviceRows(services), "rps");
  expect(formatRows("SERVICE", rows, { format: "wide", width: undefined }).split("\n")).toEqual([
    "SERVICE   RPS       OK     P50     P99   MTLS   WORKLOADS",
    "cart      9.0     100%   1.0ms   800ms   100%   2/3 ready v1",
    "web       5.0   50.00%   1.0ms   3.0ms   100%   2/3 ready v1",
    "quiet     0.0        -       -       -      -   2/3 ready v1",
    "",
  ]);
});

test("a workload is what all of its callers saw", () => {
  const edge = (source: string, count: number, p99Ms: number): TopologyEdge => ({
    ...{
      source,
      destination: "default/cart-1",
      service: "default/cart",
      port: 80,
      route: "",
      protocol: "http",
    },
    ...{ isMutualTls: source !== "unknown", count, failures: 1, requestsPerSecond: 0, successRate: 1 },
    ...{
      p50Ms: 2,
      p90Ms: 3,
      p99Ms,
      requestBytes: 0,
      responseBytes: 0,
      classes: {},
      reasons: [],
      versions: {},
    },
  });
  const edges = [edge("default/web-1", 30, 10), edge("unknown", 10, 50)];
  expect(workloadRows({ windowSeconds: 10, endTimeMs: 0, nodes: [], edges })).toEqual([
    {
      id: "default/cart-1",
      requestsPerSecond: 4,
      successRate: 0.95,
      p50Ms: 2,
      p99Ms: 50,
      mutualTlsShare: 0.75,
      more: "cart",
    },
  ]);
});

test("a name cannot move the cursor", () => {
  const rows = serviceRows([service("\u001b[2Jweb", 1, 1, 1)]);
  expect(formatRows("SERVICE", rows, { format: "table", width: 80 })).not.toContain("\u001b");
});
