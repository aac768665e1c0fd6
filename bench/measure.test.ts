import { expect, test } from "bun:test";
import { cpuUs, median, processTree, usage } from "./measure.ts";

test("counts what the process does", () => {
  const before = cpuUs(process.pid);
  const used = process.cpuUsage();
  const end = used.user + used.system + 30_000;
  for (let now = used; now.user + now.system < end; now = process.cpuUsage());
  expect(cpuUs(process.pid) - before).toBeGreaterThan(20_000);
});

test("a process' children count as its own", async () => {
  const script = `Bun.spawn([process.execPath, "-e", "console.log('up'); setInterval(() => {}, 1000)"], { stdout: "inherit" })`;
  const parent = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  const reader = parent.stdout.getReader();
  await reader.read();
  const tree = processTree([parent.pid]);
  const own = usage([parent.pid]);
  for (const pid of tree.toReversed()) process.kill(pid, "SIGKILL");
  await parent.exited;
  expect(tree).toHaveLength(2);
  expect(own.rssMb).toBeGreaterThan(10);
  expect(own.cpuUs).toBeGreaterThan(0);
});

test("what an ended child took stays counted, and only a process that was asked for must be there", async () => {
  const busy = "while (process.cpuUsage().user < 200_000);";
  const script = `const child = Bun.spawn([process.execPath, "-e", ${JSON.stringify(busy)}]);
    await child.exited; console.log("over"); setInterval(() => {}, 1000);`;
  const parent = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  const before = usage([parent.pid]).cpuUs;
  const reader = parent.stdout.getReader();
  const over = reader.read().then(() => "over");
  // Asked all the while, as it comes and goes.
  while ((await Promise.race([over, new Promise(setImmediate)])) !== "over")
    expect(usage([parent.pid]).cpuUs).toBeGreaterThanOrEqual(before);
  expect(usage([parent.pid]).cpuUs - before).toBeGreaterThan(100_000);
  parent.kill("SIGKILL");
  await parent.exited;
  expect(() => usage([parent.pid])).toThrow();
});

test("the median of an even number of values is between the middle ones", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([3, 1, 2])).toBe(2);
});
