/** Graphs: trees that end, quoting, figures. */
import { expect, test } from "bun:test";
import type { Topology, TopologyEdge } from "../api/index.ts";
import { formatGraph } from "./graph-formats.ts";
import { formatShare, formatTopology, ofNamespace } from "./topology-table.ts";

function edge(source: string, destination: string, more: Partial<TopologyEdge> = {}): TopologyEdge {
  return {
    source,
    destination,
    service: destination,
    port: 9080,
    route: "",
    protocol: "http",
    isMutualTls: true,
    count: 50,
    failures: 0,
    requestsPerSecond: 5,
    successRate: 1,
    p50Ms: 1,
    p90Ms: 2,
    p99Ms: 3,
    requestBytes: 0,
    responseBytes: 0,
    classes: { "2xx": 50 },
    versions: {},
    reasons: [],
    ...more,
  };
}

function topology(...edges: TopologyEdge[]): Topology {
  const ids = [...new Set(edges.flatMap(({ source, destination }) => [source, destination]))];
  return {
    windowSeconds: 10,
    endTimeMs: 0,
    nodes: ids.map((id) => ({
      id,
      kind: "workload",
      namespace: "default",
      name: id,
      identity: "",
      version: "",
    })),
    edges,
  };
}

const figures = "5.0/s, 100% ok, p99 3.0ms, mTLS";

test("draws callers with those that they call", () => {
  const graph = topology(
    edge("default/web", "default/reviews"),
    edge("default/web", "default/catalog"),
    edge("default/reviews", "default/ratings"),
  );
  expect(formatGraph(graph, "text")).toBe(
    `web\n├─ catalog  ${figures}\n└─ reviews  ${figures}\n   └─ ratings  ${figures}\n`,
  );
});

test("a circle ends", () => {
  const graph = topology(
    edge("default/a", "default/b"),
    edge("default/b", "default/a"),
    edge("default/b", "default/b"),
  );
  expect(formatGraph(graph, "text")).toBe(
    `a\n└─ b  ${figures}\n   ├─ a (above)  ${figures}\n   └─ b (above)  ${figures}\n`,
  );
});

test("names from elsewhere cannot break out of the drawing", () => {
  const graph = topology(edge('default/a"b', "default/<c>"));
  expect(formatGraph(graph, "dot")).toContain('"a\\"b" -> "<c>"');
  expect(formatGraph(graph, "mermaid")).toContain('n0["a#34;b"] -->|');
});

const hostile = '\u001b[2J\u009b31m\n"];end #quot; `x` %%{init}%% \\N\u202e';

test.each(["text", "dot", "mermaid", "json"] as const)(
  "%s holds nothing that a terminal would obey, and one line for an edge",
  (format) => {
    const plain = formatGraph(topology(edge("default/a", "default/b")), format);
    const drawn = formatGraph(topology(edge(`default/a${hostile}`, `default/b${hostile}`)), format);
    // oxlint-disable-next-line no-control-regex
    expect(drawn).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(drawn.split("\n").length).toBe(plain.split("\n").length);
  },
);

test("a hostile name is no directive, entity or escape of the drawing's language", () => {
  const graph = topology(edge(`default/a${hostile}`, "default/b"));
  const mermaid = formatGraph(graph, "mermaid");
  expect(mermaid).not.toContain("%%{");
  expect(mermaid).not.toContain("`");
  expect(mermaid).toContain("#35;quot;");
  expect(formatGraph(graph, "dot")).toContain('\\"];end');
  expect(JSON.parse(formatGraph(graph, "json"))).toEqual(graph);
});

test("says that there is no traffic rather than nothing", () => {
  expect(formatGraph(topology(), "text")).toBe("no traffic in the last 10 s\n");
  expect(formatTopology(topology(), { format: "table", width: undefined })).toBe(
    "no traffic in the last 10 s\n",
  );
});

test("the table has the busiest first", () => {
  const table = formatTopology(
    topology(
      edge("default/a", "default/b"),
      edge("default/a", "other/c", { requestsPerSecond: 50.04, successRate: 0.99996 }),
    ),
    { format: "table", width: undefined },
  );
  expect(table.split("\n")[1]?.split(/ {2,}/)).toEqual([
    "a",
    "other/c",
    "other/c:9080",
    "50.0",
    "99.99%",
    "1.0ms",
    "2.0ms",
    "3.0ms",
  ]);
});

test("a failure in a million is not rounded away", () => {
  expect(formatShare(0.999999)).toBe("99.99%");
  expect(formatShare(1)).toBe("100%");
});

test("keeps what touches the namespace", () => {
  const all = topology(
    edge("default/a", "default/b"),
    edge("other/x", "default/b"),
    edge("other/x", "other/y"),
  );
  const options = { namespace: "default", output: "table", logFormat: "text", logLevel: "info" } as const;
  expect(ofNamespace(all, options).edges).toHaveLength(2);
  expect(ofNamespace(all, { ...options, allNamespaces: true }).edges).toHaveLength(3);
});
