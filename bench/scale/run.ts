/** `npm run bench:scale`: what a control plane costs and how fast it is with up to 10,000 proxies. See docs/performance.md. */
import { writeFileSync } from "node:fs";
import { machine } from "../machine.ts";
import { Bench, loadCore } from "../processes.ts";
import { measureSize } from "./measure-size.ts";
import { parseOptions, type ScaleOptions, usageText } from "./options.ts";
import { measureRouteEdits, type RouteEditFigures } from "./route-edits.ts";
import {
  mergeFigures,
  readFigures,
  type ScaleFigures,
  type SizeFigures,
  writeScaleReport,
} from "./scale-figures.ts";

/** Of one figure; each change of a route is asked for at every proxy. */
const routeEdits = 100;

const options = parseOptions(Bun.argv.slice(2));
if (typeof options === "string") {
  console.error(`${options}\n${usageText}`);
  process.exitCode = 64;
} else {
  process.exitCode = await run(options);
}

async function run({ sizes, routeSizes, hasRestart, json, isReport }: ScaleOptions): Promise<number> {
  if (isReport && json !== undefined) {
    return writeScaleReport({ ...header(), ...readFigures(json) });
  }
  // What reads results must not take time from the control plane.
  Bun.spawnSync(["taskset", "--all-tasks", "--cpu-list", "--pid", String(loadCore), String(process.pid)]);
  for (const proxies of sizes) {
    await using bench = Bench.open();
    const log = (line: string): void =>
      console.error(`${new Date().toISOString()} ${proxies} proxies: ${line}`);
    const figures = await measureSize(bench, { proxies, hasRestart, log });
    console.log(JSON.stringify(figures, undefined, 1));
    keep(json, { sizes: [figures], routes: [] });
  }
  for (const proxies of routeSizes) {
    await using bench = Bench.open();
    const figures = await measureRouteEdits(bench, { proxies, edits: routeEdits });
    console.log(JSON.stringify(figures, undefined, 1));
    keep(json, { sizes: [], routes: [figures] });
  }
  return 0;
}

/** After each figure: what was measured is not lost with a run that is ended. */
function keep(
  path: string | undefined,
  now: { readonly sizes: readonly SizeFigures[]; readonly routes: readonly RouteEditFigures[] },
): void {
  if (path === undefined) return;
  const all: ScaleFigures = mergeFigures(readFigures(path), { ...header(), ...now });
  writeFileSync(path, `${JSON.stringify(all, undefined, 1)}\n`);
}

function header(): { readonly machine: string; readonly date: string } {
  return { machine: machine(), date: new Date().toISOString().slice(0, 10) };
}
