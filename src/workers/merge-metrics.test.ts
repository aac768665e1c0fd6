/** Pages of several processes as one. */
import { expect, test } from "bun:test";
import { countedOnly, mergeMetrics } from "./merge-metrics.ts";

const page = (count: number, revision: number, more = ""): string =>
  [
    "# HELP a_total Counts.",
    "# TYPE a_total counter",
    `a_total{x="1 {"} ${count}`,
    "# HELP h Seconds.",
    "# TYPE h histogram",
    `h_bucket{le="1"} ${count}`,
    `h_sum ${count / 2}`,
    `h_count ${count}`,
    "# HELP s Bytes.",
    "# TYPE s summary",
    `s_sum ${count}`,
    `s_count ${count}`,
    "# HELP weft_config_revision Revision.",
    "# TYPE weft_config_revision gauge",
    `weft_config_revision ${revision}`,
    "# HELP weft_config_applied_seconds When.",
    "# TYPE weft_config_applied_seconds gauge",
    `weft_config_applied_seconds ${revision + 0.5}`,
    "# HELP in_flight Now.",
    "# TYPE in_flight gauge",
    `in_flight ${count}`,
    more,
  ].join("\n");

test("amounts are added up; of a revision the least counts, of when it was put in force the latest", () => {
  const merged = mergeMetrics([page(1, 7), page(2, 6), ""]);
  expect(merged).toContain('\na_total{x="1 {"} 3\n');
  expect(merged).toContain('\nh_bucket{le="1"} 3\nh_sum 1.5\nh_count 3\n');
  expect(merged).toContain("\ns_sum 3\ns_count 3\n");
  expect(merged).toContain("\nweft_config_revision 6\n");
  expect(merged).toContain("\nweft_config_applied_seconds 7.5\n");
  expect(merged).toContain("\nin_flight 3\n");
  expect(merged.match(/# TYPE a_total/g)).toHaveLength(1);
});

test("what only one page has stays", () => {
  const merged = mergeMetrics([page(1, 1), page(1, 1, "# TYPE b gauge\nb 5\n")]);
  expect(merged.endsWith("# TYPE b gauge\nb 5\n")).toBe(true);
  expect(mergeMetrics([])).toBe("");
});

test("one page stays as it is", () => {
  expect(mergeMetrics([page(3, 4)])).toBe(page(3, 4));
});

test("of a process that is gone, what it counted goes on counting", () => {
  const gone = countedOnly(page(5, 1));
  expect(gone).toContain("\ns_sum 5\n");
  expect(gone).not.toContain("in_flight");
  expect(gone).not.toContain("weft_config_revision");
  expect(mergeMetrics([page(1, 9), gone])).toContain('\na_total{x="1 {"} 6\n');
});
