/** The bench works: fifty simulated proxies connect, are told of every change, and come back to a control plane that was killed. */
import { expect, test } from "bun:test";
import { Bench } from "../processes.ts";
import { measureSize } from "./measure-size.ts";
import { meshOf, proxyOf } from "./mesh.ts";
import { parseOptions } from "./options.ts";
import { mergeFigures, scaleMarkdown, type SizeFigures } from "./scale-figures.ts";

test("a small mesh goes through all phases and loses nothing", async () => {
  await using bench = Bench.open();
  const figures = await measureSize(bench, { proxies: 50, hasRestart: true, isSmoke: true });
  expect(figures).toMatchObject({ proxies: 50, services: 25, endpoints: 250, missing: 0, queueAfter: 0 });
  expect(figures.subscribersPerChange).toBe(40);
  expect(figures.coldStartMs).toBeGreaterThan(0);
  expect(figures.restartMs).toBeGreaterThan(0);
  expect(figures.privateKbPerProxy).toBeGreaterThan(0);
  const all = mergeFigures(
    { sizes: [], routes: [] },
    { machine: "here", date: "today", sizes: [figures], routes: [] },
  );
  expect(scaleMarkdown(all)).toContain("| services / endpoints | 25 / 250 |");
}, 60_000);

test("every service has forty subscribers, whatever the size of the mesh", () => {
  for (const proxies of [50, 100, 300, 10_000]) {
    const shape = meshOf(proxies);
    const subscribers = Array.from({ length: shape.services }, () => 0);
    for (let index = 0; index < proxies; index++)
      for (const service of proxyOf(shape, index).dependencies)
        subscribers[service] = (subscribers[service] ?? 0) + 1;
    expect(new Set(subscribers)).toEqual(new Set([40]));
  }
});

const nothing: SizeFigures = {
  ...{
    proxies: 0,
    services: 0,
    endpoints: 0,
    load: 0,
    controlStartMs: 0,
    coldStartMs: 0,
    firstCommitP99Ms: 0,
  },
  ...{
    connectRetries: 0,
    cpuMsPerConnect: 0,
    simulatorCpuMsPerConnect: 0,
    rssKbPerProxy: 0,
    privateKbPerProxy: 0,
  },
  ...{ privateKbPerProxyAfterChanges: 0, controlRssMb: 0, idleCpuShare: 0, changeP50Ms: 0, changeP99Ms: 0 },
  ...{ subscribersPerChange: 0, cpuUsPerChange: 0, cpuUsPerSubscriber: 0, manyOffered: 0 },
  ...{ manyPerSecond: 0, manyP50Ms: 0 },
  ...{
    manyP99Ms: 0,
    manyCpuShare: 0,
    manyCpuUsPerSubscriber: 0,
    manyCoalesced: 0,
    missing: 0,
    queueAfter: 0,
  },
};

test("a size that is measured again takes the place of the old one", () => {
  const size = (proxies: number, load: number): SizeFigures => ({ ...nothing, proxies, load });
  const header = { machine: "here", date: "today", routes: [] };
  const before = { sizes: [size(100, 1), size(1_000, 1)], routes: [] };
  expect(mergeFigures(before, { ...header, sizes: [size(300, 2), size(100, 2)] }).sizes).toEqual([
    size(100, 2),
    size(300, 2),
    size(1_000, 1),
  ]);
});

test("the command line has bounds", () => {
  expect(parseOptions(["--proxies", "100,10000", "--restart"])).toMatchObject({
    sizes: [100, 10_000],
    hasRestart: true,
  });
  expect(parseOptions(["--routes", "10,50"])).toMatchObject({ sizes: [], routeSizes: [10, 50] });
  expect(parseOptions(["--proxies", "20000"])).toBe("--proxies takes whole numbers from 42 to 10000");
  expect(parseOptions(["--routes", "0"])).toBe("--routes takes whole numbers from 1 to 100");
  expect(parseOptions(["--fast"])).toContain("fast");
});
