/** Whatever an application writes as its metrics, what goes out behind ours is a page that can be read. */
import { describe, expect, test } from "bun:test";
import type { MetricsFormat } from "../../kernel/index.ts";
import { ApplicationCounters } from "./application-counters.ts";
import { ApplicationPage } from "./application-page.ts";

function read(lines: readonly string[], format: MetricsFormat = "text", taken: readonly string[] = []) {
  const counters = new ApplicationCounters();
  const page = new ApplicationPage(new TextEncoder().encode(lines.join("\n")), format, counters);
  const text = [...page.slices(new Set(taken))].join("");
  const skipped = Object.fromEntries(
    [...counters.skipped.samples()].map(({ labels, value }) => [labels["reason"], value]),
  );
  return { lines: text.split("\n").slice(0, -1), skipped };
}

test("lines that can be read stay as they are", () => {
  const lines = [
    "# HELP a_total Say \\\\ what.",
    "# TYPE a_total counter",
    "a_total 1",
    'a_total{x="1",y="a } \\" # b",} 2.5e-7 1700000000000',
    "# TYPE b histogram",
    'b_bucket{le="+Inf"} +Inf',
    "b_sum NaN",
    "b_count 3",
    "untyped:metric{} -4",
  ];
  expect(read(lines)).toEqual({ lines, skipped: {} });
  expect(read(lines.map((line) => `${line}\r`)).lines).toEqual(lines);
});

test.each([
  "no value",
  "a",
  "a one",
  'a{x="1} 2',
  "a{x=1} 2",
  'a{1x="1"} 2',
  "a 1 2 3",
  "<html>",
  "# TYPE a stopwatch",
  '{"json": true}',
  'a{x="1"} 2 # {trace_id="b"} 1',
  "\u0000\u0000 1",
])("a line that cannot be read is left out and counted: %j", (line) => {
  expect(read(["before 1", line, "after 2"])).toEqual({
    lines: ["before 1", "after 2"],
    skipped: { malformed: 1 },
  });
});

test("families whose names are ours are left out, each counted once", () => {
  const { lines, skipped } = read(
    [
      "# HELP http_server_request_duration_seconds Theirs.",
      "# TYPE http_server_request_duration_seconds histogram",
      'http_server_request_duration_seconds_bucket{le="1"} 1',
      "http_server_request_duration_seconds_sum 1",
      "http_server_request_duration_seconds_count 1",
      "# TYPE weft_x counter",
      "weft_x_total 3",
      "weft_xy_total 4",
    ],
    "text",
    ["http_server_request_duration_seconds", "weft_x_total"],
  );
  expect(lines).toEqual(["weft_xy_total 4"]);
  expect(skipped).toEqual({ name_taken: 2 });
});

test("a second head of a family, comments and empty lines go", () => {
  expect(read(["# TYPE a gauge", "a 1", "", "# just so", "# TYPE a gauge", 'a{b="c"} 2']).lines).toEqual([
    "# TYPE a gauge",
    "a 1",
    'a{b="c"} 2',
  ]);
});

describe("OpenMetrics", () => {
  test("keeps exemplars and units, and nothing behind its end mark", () => {
    const lines = [
      "# TYPE a_seconds histogram",
      "# UNIT a_seconds seconds",
      'a_seconds_bucket{le="1.0"} 1 # {trace_id="0af7"} 0.5 1700000000.5',
      "a_seconds_count 1",
    ];
    expect(read([...lines, "# EOF", "b 1"], "openmetrics").lines).toEqual(lines);
  });
});

test("a page of megabytes comes in slices, whole lines each", () => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `a{i="${i}"} ${i}`);
  const page = new ApplicationPage(
    new TextEncoder().encode(lines.join("\n")),
    "text",
    new ApplicationCounters(),
  );
  const slices = [...page.slices(new Set())];
  expect(slices.length).toBeGreaterThan(5);
  expect(slices.every((slice) => slice.endsWith("\n"))).toBe(true);
  expect(slices.join("").split("\n").slice(0, -1)).toEqual(lines);
});

test("lines that are nearly right do not take long", () => {
  const long = `a{${'x="1" , '.repeat(20_000)}y="`;
  const spaces = `a{x="1"${" ".repeat(50_000)}!} 1`;
  const startNs = Bun.nanoseconds();
  expect(read([long, spaces]).skipped).toEqual({ malformed: 2 });
  expect(Bun.nanoseconds() - startNs).toBeLessThan(1e9);
});
