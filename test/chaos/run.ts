/**
 * `npm run chaos [-- --seed N --rounds N --only TEXT --report PAGE --logs FOLDER]`: a mesh of twenty workloads with three control planes over an etcd
 * of three, everybody calling everybody all the time, and one fault after another in an order that the seed gives. docs/chaos.md says
 * what must hold all along. Prints a table; exits with 1 where an invariant did not hold.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorLine } from "../../src/kernel/index.ts";
import { SmallDisk } from "../e2e/harness/small-disk.ts";
import { findEtcd } from "../../src/store/etcd/testing/etcd-server.ts";
import { ChaosMesh } from "./chaos-mesh.ts";
import { Denials } from "./denials.ts";
import { faultsFor } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { ReportPage, tableHead, tableRow, violationLines } from "./report.ts";
import { seeded, seedOf, shuffled } from "./seeded.ts";
import { Traffic } from "./traffic.ts";
import { converge, type Trial, tryFault, violationsOf } from "./trial.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    rounds: { type: "string", default: "1" },
    only: { type: "string", multiple: true, default: [""] },
    report: { type: "string" },
    logs: { type: "string" },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));

function findFaketime(): string | undefined {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib").map((name) => join("/usr/lib", name)) : [];
  return folders
    .map((folder) => join(folder, "faketime", "libfaketime.so.1"))
    .find((file) => existsSync(file));
}

async function main(): Promise<number> {
  if (findEtcd() === undefined) {
    process.stderr.write("chaos: there is no etcd; node scripts/fetch-etcd.mjs gets one\n");
    return 69;
  }
  let page: ReportPage | undefined;
  try {
    page = values.report === undefined ? undefined : new ReportPage(values.report);
  } catch (error) {
    process.stderr.write(
      `chaos: --report: ${errorLine(error)}; it takes a page with marks, as docs/chaos.md has them\n`,
    );
    return 64;
  }
  process.stdout.write(`seed ${seed}\n`);
  const means = { faketime: findFaketime(), smallDiskRefusal: SmallDisk.refusal() };
  const { faults, skipped } = faultsFor(means);
  for (const reason of skipped) process.stdout.write(`skipped: ${reason}\n`);
  const wanted = faults.filter(({ name }) => values.only.some((text) => name.includes(text)));
  if (wanted.length === 0) {
    process.stderr.write(`chaos: no fault has ${values.only.join(" or ")} in its name\n`);
    return 64;
  }
  await using mesh = await ChaosMesh.start(means);
  // Each with numbers of its own: what faults hit does not hang on how fast the others are.
  const denials = new Denials(mesh, seeded(seedOf(seed, "denials")));
  const traffic = new Traffic(mesh, denials, seeded(seedOf(seed, "traffic")));
  const ledger = new Ledger(mesh, seeded(seedOf(seed, "ledger")));
  const trials: Trial[] = [];
  process.stdout.write(`${tableHead}\n`);
  // The mesh was begun with the first.
  let number = 2;
  try {
    await converge(mesh, traffic, number);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const fault of shuffled(wanted, seeded(seedOf(seed, `order ${round}`)))) {
        const random = seeded(seedOf(seed, `${round} ${fault.name}`));
        const trial = await tryFault(fault, { mesh, ledger, denials, random }, traffic, ++number);
        trials.push(trial);
        process.stdout.write(`${tableRow(trial)}\n${violationLines(trial)}`);
        if (values.logs !== undefined && violationsOf(trial).length > 0)
          mesh.writeLogs(join(values.logs, String(trials.length)));
      }
    }
  } finally {
    await traffic.stop();
    await denials.stop();
    await ledger.stop();
  }
  const broken = trials.filter((trial) => violationsOf(trial).length > 0);
  const requests = trials.reduce((sum, { tally }) => sum + tally.requests, 0);
  const summary =
    `${trials.length} faults, ${requests} requests, ${ledger.acknowledged} writes acknowledged, ${ledger.refused} refused, ` +
    `${denials.shutCount} denials said to be everywhere; ` +
    `${broken.length === 0 ? "every invariant held" : `invariants broken under ${broken.map(({ fault }) => fault).join(", ")}`} (seed ${seed})`;
  process.stdout.write(`${summary}\n`);
  page?.write(trials, summary);
  return broken.length === 0 ? 0 : 1;
}

process.exitCode = await main();
