/** The figures of the scale bench in their file, and as the Markdown of docs/performance.md. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RouteEditFigures } from "./route-edits.ts";

export interface SizeFigures {
  readonly proxies: number;
  readonly services: number;
  readonly endpoints: number;
  /** One-minute load average at the end: of what else ran on the machine. */
  readonly load: number;
  /** Until the control plane listened, with the mesh in its store. */
  readonly controlStartMs: number;
  readonly coldStartMs: number;
  readonly firstCommitP99Ms: number;
  readonly connectRetries: number;
  /** Handshake, first commit and its share of what was compiled. */
  readonly cpuMsPerConnect: number;
  readonly simulatorCpuMsPerConnect: number;
  /** Grown since before the first proxy; what was compiled for them is in it. */
  readonly rssKbPerProxy: number;
  readonly privateKbPerProxy: number;
  readonly privateKbPerProxyAfterChanges: number;
  readonly controlRssMb: number;
  /** Of a core, while nothing changes. */
  readonly idleCpuShare: number;
  readonly changeP50Ms: number;
  readonly changeP99Ms: number;
  readonly subscribersPerChange: number;
  /** Above idle. */
  readonly cpuUsPerChange: number;
  readonly cpuUsPerSubscriber: number;
  /** Changes a second: asked for, and stored. */
  readonly manyOffered: number;
  readonly manyPerSecond: number;
  readonly manyP50Ms: number;
  readonly manyP99Ms: number;
  readonly manyCpuShare: number;
  readonly manyCpuUsPerSubscriber: number;
  /** Subscribers that were sent a newer state in the place of one. */
  readonly manyCoalesced: number;
  /** Subscribers that never got a change, and changes that failed: 0, or nothing here counts. */
  readonly missing: number;
  readonly queueAfter: number;
  readonly restartMs?: number;
  readonly restartRetries?: number;
}

export interface ScaleFigures {
  readonly machine: string;
  readonly date: string;
  readonly sizes: readonly SizeFigures[];
  readonly routes: readonly RouteEditFigures[];
}

export function readFigures(path: string): Pick<ScaleFigures, "sizes" | "routes"> {
  if (!existsSync(path)) return { sizes: [], routes: [] };
  const figures: ScaleFigures = JSON.parse(readFileSync(path, "utf8"));
  return figures;
}

/** New figures of a size take the place of older ones; the file has one of each, the smallest mesh first. */
export function mergeFigures(
  before: Pick<ScaleFigures, "sizes" | "routes">,
  now: ScaleFigures,
): ScaleFigures {
  return { ...now, sizes: merged(before.sizes, now.sizes), routes: merged(before.routes, now.routes) };
}

function merged<T extends { readonly proxies: number }>(before: readonly T[], now: readonly T[]): T[] {
  const bySize = new Map([...before, ...now].map((each) => [each.proxies, each]));
  return [...bySize.values()].toSorted((a, b) => a.proxies - b.proxies);
}

const startMark = "<!-- scale: from here on written by `npm run bench:scale -- --json FILE --report` -->";
const endMark = "<!-- end of the scale figures -->";

/** Returns the exit code. */
export function writeScaleReport(figures: ScaleFigures): number {
  const page = join(import.meta.dir, "../../docs/performance.md");
  const text = readFileSync(page, "utf8");
  const [start, end] = [text.indexOf(startMark), text.indexOf(endMark)];
  if (start < 0 || end < start) {
    console.error(`${page} has no place for the figures: the lines ${startMark} and ${endMark}`);
    return 65;
  }
  writeFileSync(
    page,
    `${text.slice(0, start + startMark.length)}\n\n${scaleMarkdown(figures)}\n${text.slice(end)}`,
  );
  return 0;
}

export function scaleMarkdown({ machine, date, sizes, routes }: ScaleFigures): string {
  const rows: readonly (readonly [string, (size: SizeFigures) => string])[] = [
    ["services / endpoints", (size) => `${whole(size.services)} / ${whole(size.endpoints)}`],
    ["all connected, first commit acknowledged, s", (size) => (size.coldStartMs / 1_000).toFixed(1)],
    ["CPU ms per proxy that connects", (size) => size.cpuMsPerConnect.toFixed(2)],
    ["memory KB per proxy, private", (size) => whole(size.privateKbPerProxy)],
    ["memory KB per proxy, resident", (size) => whole(size.rssKbPerProxy)],
    [
      "one endpoint change: p50 / p99 ms at its subscribers",
      (size) => pair(size.changeP50Ms, size.changeP99Ms),
    ],
    ["CPU µs per change", (size) => whole(size.cpuUsPerChange)],
    ["CPU µs per change and subscriber", (size) => whole(size.cpuUsPerSubscriber)],
    ["many changes a second: offered / stored", (size) => pair(size.manyOffered, size.manyPerSecond)],
    ["… p50 / p99 ms at subscribers", (size) => pair(size.manyP50Ms, size.manyP99Ms)],
    [
      "… CPU µs per subscriber, share of a core",
      (size) => `${whole(size.manyCpuUsPerSubscriber)}, ${percent(size.manyCpuShare)}`,
    ],
    ["idle: share of a core", (size) => percent(size.idleCpuShare)],
    ["changes lost", (size) => whole(size.missing)],
    [
      "killed and started again: all back after, s",
      (size) => (size.restartMs === undefined ? "–" : (size.restartMs / 1_000).toFixed(1)),
    ],
    ["load average at the end", (size) => size.load.toFixed(1)],
  ];
  const head = ["", ...sizes.map(({ proxies }) => `${whole(proxies)} proxies`)];
  const lines = rows.map(([label, show]) => `| ${[label, ...sizes.map(show)].join(" | ")} |`);
  const edits = routes.map(
    ({ proxies, edits: count, p50Ms, p99Ms, maxMs, load }) =>
      `| ${[whole(proxies), whole(count), p50Ms.toFixed(1), p99Ms.toFixed(1), maxMs.toFixed(1), load.toFixed(1)].join(" | ")} |`,
  );
  return `Measured on ${date} on ${machine}.

| ${head.join(" | ")} |
| --- | ${sizes.map(() => "---:").join(" | ")} |
${lines.join("\n")}

An edit of a route until it is in force at every one of several real sidecars, from the request to the API on:

| sidecars | edits | p50 ms | p99 ms | max ms | load average |
| ---: | ---: | ---: | ---: | ---: | ---: |
${edits.join("\n")}
`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function pair(a: number, b: number): string {
  return `${a.toFixed(0)} / ${b.toFixed(0)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
