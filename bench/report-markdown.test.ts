import { expect, test } from "bun:test";
import { figuresMarkdown } from "./report-markdown.ts";
import type { ResultFile } from "./result-file.ts";

function result(scenario: string, rest: Partial<ResultFile>): ResultFile {
  return {
    scenario,
    machine: "2 × CPU",
    date: "2026-01-02",
    rounds: 5,
    seconds: 5,
    connections: 32,
    headers: 1,
    unit: "request",
    results: {},
    failures: {},
    ...rest,
  };
}

const pair = result("http1-mtls-pair", {
  results: {
    weft: { version: "0.1.0", cpuUsPerRequest: 60, errors: 0 },
    envoy: { version: "1.40.0", cpuUsPerRequest: 170, errors: 0 },
    "envoy-h2": { version: "1.40.0", cpuUsPerRequest: 120, errors: 0 },
  },
});
const tcp = result("tcp", {
  results: {
    weft: { version: "0.1.0", mbPerCpuSecond: 900, errors: 0 },
    envoy: { version: "1.40.0", mbPerCpuSecond: 600, errors: 0 },
  },
  failures: { haproxy: "3 errors,\nso no figure" },
});

test("weft is held against the better pair of Envoys", () => {
  expect(figuresMarkdown([pair])).toContain(
    "| [http1-mtls-pair](#http1-mtls-pair) | CPU µs per request, lower is better | 60.0 | 120.0 | 0.50 |",
  );
});

test("more is better where the figure says so", () => {
  const text = figuresMarkdown([tcp]);
  expect(text).toContain("| 900 | 600 | 1.50 |");
  expect(text).toContain("| envoy 1.40.0 | 600 | – | – | – | 1.00 | 1.50 |");
});

test("scenarios come in their own order, each with conditions, picture and who has no figure", () => {
  const text = figuresMarkdown([tcp, pair]);
  expect(text.indexOf("### http1-mtls-pair")).toBeLessThan(text.indexOf("### tcp"));
  expect(text).toContain("Medians of 5 rounds of 5 s.");
  expect(text).toContain("![tcp: MB per CPU-second](bench/tcp.svg)");
  expect(text).toContain("- haproxy: no figure, 3 errors, so no figure");
  expect(text).toContain("Measured on 2026-01-02 on 2 × CPU");
  expect(text).toContain("weft 0.1.0, envoy 1.40.0");
});

test("a peer without figures has no ratio", () => {
  const failed = result("tcp", { results: { weft: { version: "0.1.0", errors: 3 } } });
  const text = figuresMarkdown([failed]);
  expect(text).toContain("| weft 0.1.0 | – | – | – | – | – | – |");
  expect(text).not.toContain("![tcp");
});
