/** States of the mesh, of proxies, certificates and objects, and where pages are. */
import { expect, test } from "bun:test";
import { servicesOf } from "../../testing/fake-documents.ts";
import { shopMesh } from "../../testing/fake-mesh.ts";
import { marksWithin, markAt } from "../charts/change-marks.ts";
import { niceTop } from "../charts/plot-options.ts";
import { signalsPath } from "../charts/signal-series.ts";
import { pageOf, matchesSearch, sortRows } from "../parts/table-rows.ts";
import { sparkPaths } from "../parts/spark-paths.ts";
import { parsePreferences } from "../preferences.ts";
import { stateOf } from "../resources/object-state.ts";
import { yamlText } from "../resources/yaml-text.ts";
import { parseRoute, pathOf, servicePath } from "../router.ts";
import { addUpCalls } from "../service/calls.ts";
import { ShortcutReader } from "../shortcuts.ts";
import { certificateAge } from "./certificate-age.ts";
import { meshHealth, meshTotals } from "./mesh-health.ts";
import { proxyState } from "./proxy-state.ts";

const { items } = servicesOf(shopMesh(), 1_800_000_000_000);
const well = items.map((item) => ({ ...item, successRate: 1, ready: item.workloads }));

test("the mesh is as well as its services and findings", () => {
  expect(meshHealth([], [])).toEqual({ level: "none", sentence: "No services yet" });
  expect(meshHealth(well, [])).toEqual({ level: "ok", sentence: "All 11 services are well" });
  expect(
    meshHealth(
      well.map((each, index) => (index === 0 ? { ...each, successRate: 0.5 } : each)),
      [],
    ).sentence,
  ).toBe("gateway is failing");
  const finding = { code: "x", level: "bad", message: "m", fix: "f" } as const;
  expect(meshHealth(well, [finding])).toEqual({ level: "bad", sentence: "1 finding to act on" });
});

test("sums take the newest slots together, however many there are", () => {
  const [a, b] = well;
  if (a === undefined || b === undefined) throw new Error("no services");
  const totals = meshTotals([
    { ...a, history: [1, 2, 3] },
    { ...b, history: [10] },
  ]);
  expect(totals.history).toEqual([1, 2, 13]);
  expect(meshTotals([]).errorShare).toBe(0);
});

test("a proxy that refuses or is away is worse than one that is behind", () => {
  const proxy = {
    id: "p",
    role: "sidecar",
    workload: "a/b",
    identity: "",
    connected: true,
    revision: 5,
  } as const;
  expect(proxyState(proxy, 5)).toEqual({ level: "ok", word: "up to date" });
  expect(proxyState(proxy, 7)).toEqual({ level: "note", word: "2 behind" });
  expect(proxyState({ ...proxy, connected: false }, 5).word).toBe("away");
  expect(proxyState({ ...proxy, rejections: [{ resource: "r", message: "m" }] }, 5).word).toBe("refuses");
});

test("certificates age", () => {
  const of = (nowMs: number, revoked?: string) =>
    certificateAge({ notBeforeMs: 0, notAfterMs: 100, ...(revoked === undefined ? {} : { revoked }) }, nowMs)
      .word;
  expect([of(10), of(85), of(95), of(100), of(10, "lost")]).toEqual([
    "good",
    "late",
    "ends soon",
    "expired",
    "revoked",
  ]);
});

test("an object is as good as its worst condition", () => {
  const condition = {
    type: "Accepted",
    status: "True",
    reason: "Accepted",
    message: "",
    lastTransitionTime: "",
  } as const;
  const of = (...conditions: object[]) =>
    stateOf({
      apiVersion: "",
      kind: "HTTPRoute",
      metadata: { name: "r" },
      status: { conditions: conditions.map((each) => ({ ...condition, ...each })) },
    });
  expect(of().level).toBe("none");
  expect(of({}).level).toBe("ok");
  expect(of({}, { type: "ResolvedRefs", status: "False", reason: "BackendNotFound" })).toMatchObject({
    level: "bad",
    word: "BackendNotFound",
  });
  expect(of({}, { type: "Conflicted", status: "False" }).level).toBe("ok");
  expect(of({}, { type: "Conflicted" }).level).toBe("note");
});

test("objects are read as YAML reads them", () => {
  const value = { a: "plain", b: "yes", c: [{ d: 1, e: [] }, "x: y"], f: {}, g: null, "h i": '<b>"' };
  const { YAML } = Bun;
  expect(YAML.parse(yamlText(value))).toEqual(value);
});

test("paths and pages belong to each other, whatever a name holds", () => {
  const name = 'a/b?c#<d>"%';
  expect(parseRoute(pathOf("services", "ns", name))).toEqual({ page: "service", namespace: "ns", name });
  expect(parseRoute(servicePath("ns/n"))).toEqual({ page: "service", namespace: "ns", name: "n" });
  expect(parseRoute("/")).toEqual({ page: "overview" });
  expect(parseRoute("/policies/TrafficPolicy/ns/n")).toMatchObject({
    page: "resource",
    kind: "TrafficPolicy",
  });
  expect(
    [parseRoute("/nothing"), parseRoute("/services/a"), parseRoute("/%zz")].map(({ page }) => page),
  ).toEqual(["nowhere", "nowhere", "nowhere"]);
});

test("keys lead to places; two together within a moment", () => {
  const keys = new ShortcutReader();
  expect([keys.read("g", 0), keys.read("t", 500)]).toEqual([undefined, { type: "go", path: "/topology" }]);
  expect([keys.read("g", 0), keys.read("t", 5_000)]).toEqual([undefined, undefined]);
  expect([keys.read("/", 0), keys.read("?", 0)]).toEqual([{ type: "search" }, { type: "help" }]);
});

test("preferences that are none are the defaults", () => {
  for (const text of [null, "", "{", "7", '{"theme":"pink","windowSeconds":1}'])
    expect(parsePreferences(text)).toEqual({ theme: "system", windowSeconds: 900 });
  expect(parsePreferences('{"theme":"dark","windowSeconds":300}')).toEqual({
    theme: "dark",
    windowSeconds: 300,
  });
});

test("rows: sorted with gaps last, searched by words, a page at a time", () => {
  const rows = [{ n: 2 }, { n: undefined }, { n: 10 }];
  expect(sortRows(rows, ({ n }) => n, true).map(({ n }) => n)).toEqual([10, 2, undefined]);
  expect(sortRows(rows, ({ n }) => n, false).map(({ n }) => n)).toEqual([2, 10, undefined]);
  expect([matchesSearch("shop/Frontend v1", "front shop"), matchesSearch("shop", "x")]).toEqual([
    true,
    false,
  ]);
  expect(pageOf([1, 2, 3], 9, 2)).toEqual({ rows: [3], page: 1, pages: 2 });
});

test("calls of one other side are one row", () => {
  const edge = {
    source: "a/b",
    destination: "c/d",
    service: "",
    port: 1,
    route: "",
    protocol: "http",
    isMutualTls: true,
    count: 10,
    failures: 1,
    requestsPerSecond: 1,
    successRate: 0.9,
    p50Ms: 1,
    p90Ms: 2,
    p99Ms: 3,
    requestBytes: 0,
    responseBytes: 0,
    classes: {},
    versions: {},
    reasons: [],
  } as const;
  expect(addUpCalls([edge, { ...edge, p99Ms: 9, isMutualTls: false }], "source")).toEqual([
    { id: "a/b", count: 20, failures: 2, perSecond: 2, p99Ms: 9, isMutualTls: false },
  ]);
});

test("charts: whole steps, nice axes, marks where something changed", () => {
  expect(signalsPath({ service: "a/b" }, 300, 1_234_567)).toBe(
    "/apis/weft.dev/v1alpha1/signals?service=a%2Fb&fromMs=930000&toMs=1230000&stepMs=10000",
  );
  expect([0, 0.004, 97, 920].map(niceTop)).toEqual([1, 0.005, 100, 1000]);
  const entry = (revision: number, timeMs: number) => ({
    revision,
    timeMs,
    author: "a",
    message: "",
    changes: [],
  });
  const marks = marksWithin([entry(3, 205), entry(2, 200), entry(1, 50)], 100, 300, 10);
  expect(marks.map(({ timeMs, entries }) => [timeMs, entries.length])).toEqual([[200, 2]]);
  expect([
    markAt(marks, 204, (timeMs) => timeMs, 7)?.timeMs,
    markAt(marks, 220, (timeMs) => timeMs, 7),
  ]).toEqual([200, undefined]);
  expect(sparkPaths([1], 10, 10).line).toBe("");
});
