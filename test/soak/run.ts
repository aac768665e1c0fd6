/**
 * `npm run soak -- [--minutes N]`: mixed traffic through `weft serve`, most of it ill-behaved, for N minutes (default 10). Exit 0
 * where memory and descriptors are as flat at the end as they were after the first third.
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runServe } from "../e2e/harness/serve.ts";
import { TemporaryFolder } from "../e2e/harness/weft.ts";
import { writeGateway } from "./gateway-files.ts";
import { behaviours } from "./behaviours.ts";
import { startUpstreams } from "./upstreams.ts";

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0 && minutes <= 600)) {
  console.error("usage: npm run soak -- [--minutes 0.1..600] [--seed N]");
  process.exit(64);
}

/** Clients at a time; each does one thing after another. */
const clientCount = 24;
const sampleMs = 5_000;
/** Of resident memory between the second and the last third: the collector's own ups and downs are less. */
const maxGrowth = 0.08;
/** Descriptors above the start's when all clients have gone: pooled connections to the upstreams. */
const maxSpareDescriptors = 64;

const temporary = new TemporaryFolder();
const upstreams = startUpstreams();
const ports = writeGateway(temporary.path, upstreams);
const served = await runServe(temporary.path, [], () => temporary[Symbol.dispose]());
const startDescriptors = descriptors(served.pid);
console.log(`seed ${values.seed}, ${minutes} min, process ${served.pid}, ${startDescriptors} descriptors`);

let seed = Number(values.seed);
function random(): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
}

const endMs = Date.now() + minutes * 60_000;
const counts = new Map<string, number>();
const samples: number[] = [];
const sampling = setInterval(() => samples.push(residentMb(served.pid)), sampleMs);

async function client(): Promise<void> {
  while (Date.now() < endMs) {
    const behaviour = behaviours[Math.floor(random() * behaviours.length)];
    if (behaviour === undefined) continue;
    await behaviour.run(ports, random);
    counts.set(behaviour.name, (counts.get(behaviour.name) ?? 0) + 1);
  }
}

await Promise.all(Array.from({ length: clientCount }, client));
clearInterval(sampling);
await Bun.sleep(5_000);
const endDescriptors = descriptors(served.pid);
const third = Math.floor(samples.length / 3);
const [middle, last] = [median(samples.slice(third, 2 * third)), median(samples.slice(2 * third))];
const growth = last / middle - 1;
for (const [name, count] of counts) console.log(`${String(count).padStart(8)}  ${name}`);
console.log(
  `resident MB: middle third ${middle.toFixed(1)}, last third ${last.toFixed(1)} (${(growth * 100).toFixed(1)} %)`,
);
console.log(`descriptors: ${startDescriptors} at the start, ${endDescriptors} at the end`);
await served[Symbol.asyncDispose]();
upstreams.stop();
const isFlat = growth <= maxGrowth && endDescriptors - startDescriptors <= maxSpareDescriptors;
console.log(isFlat ? "flat" : "NOT flat");
process.exit(isFlat ? 0 : 1);

function residentMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024;
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
