/** What is drawn of who called whom. */
import { expect, test } from "bun:test";
import { topologyOf } from "../../testing/fake-documents.ts";
import { shopMesh } from "../../testing/fake-mesh.ts";
import type { TopologyDocument } from "../api/documents.ts";
import { edgeText } from "./edge-text.ts";
import { viewGraph } from "./view-graph.ts";

const document = topologyOf(shopMesh(), 900, 1_800_000_000_000);
const none = new Set<string>();

test("calls over several routes are one line", () => {
  const [first] = document.edges;
  if (first === undefined) throw new Error("no edges");
  const twice: TopologyDocument = {
    ...document,
    edges: [first, { ...first, route: "shop/other", isMutualTls: true }],
  };
  const { edges } = viewGraph(twice, { folded: none });
  expect(edges).toHaveLength(1);
  expect(edges[0]?.perSecond).toBeCloseTo((2 * first.count) / 900);
  expect(edges[0]?.mutualTlsShare).toBe(0.5);
});

test("a folded namespace is one node that counts its services, and calls within it are not drawn", () => {
  const { nodes, edges } = viewGraph(document, { folded: new Set(["shop"]) });
  expect(nodes.find(({ kind }) => kind === "group")).toMatchObject({ id: "shop/", label: "shop", size: 5 });
  expect(edges.some(({ from, to }) => from === "shop/" && to === "shop/")).toBe(false);
  expect(edges.some(({ from, to }) => from === "edge/gateway" && to === "shop/")).toBe(true);
});

test("a failing service shows through a namespace that is folded over it and its caller", () => {
  const edges = document.edges.map((edge) =>
    edge.destination === "shop/ratings" ? { ...edge, failures: edge.count } : { ...edge, failures: 0 },
  );
  const { nodes } = viewGraph({ ...document, edges }, { folded: new Set(["shop"]) });
  expect(nodes.find(({ id }) => id === "shop/")?.level).toBe("bad");
});

test("the neighbours of one service are its callers and callees alone", () => {
  const { nodes } = viewGraph(document, { folded: new Set(["shop"]), focus: "payments/checkout" });
  expect(nodes.map(({ id }) => id).toSorted()).toEqual([
    "payments/card-provider",
    "payments/checkout",
    "payments/ledger",
    "shop/cart",
    "warehouse/shipping",
  ]);
  expect(viewGraph(document, { folded: none, focus: "payments/checkout", depth: 2 }).nodes.length).toBe(7);
});

test("a focus that is gone shows everything", () => {
  expect(viewGraph(document, { folded: none, focus: "shop/gone" }).nodes).toHaveLength(document.nodes.length);
});

test("lines say what was chosen", () => {
  const edge = {
    ...viewGraph(document, { folded: none }).edges[0],
    from: "a",
    to: "b",
    perSecond: 12,
    errorShare: 0.05,
    p99Ms: 34,
    mutualTlsShare: 1,
    versions: {},
    level: "bad" as const,
  };
  expect((["rate", "errors", "p99", "all", "none"] as const).map((figure) => edgeText(edge, figure))).toEqual(
    ["12/s", "5 %", "34 ms", "12/s · 5 % · 34 ms", ""],
  );
});
