/**
 * All that CI checks: format, types, lint, generated code, imports and repository, unused code, unit tests,
 * end-to-end, conformance and compatibility tests. Two steps run side by side, since a suite takes one core for most of its time; the output of each
 * comes when it has ended. Every step runs even when an earlier one failed. The last line is `N passed, N failed, N skipped`,
 * in which a step that is no test suite counts as one. Plain JavaScript on Node 20 without a dependency.
 *
 *   node scripts/check.mjs            everything
 *   node scripts/check.mjs lint unit  these steps only, one after another
 *   node scripts/check.mjs bench      every scenario of the bench for a second, figures not judged: takes minutes, wants a
 *                                     machine with the peers, and so is never part of everything
 */
import { spawn } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, constants, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bunPath } from "./bun-path.mjs";
import { compareGenerated } from "./generated-code.mjs";
import { expectedSkipReason, failureExcerpts, readTestReport } from "./test-report.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
// Everything temporary of a run is in here, and goes with it. A short name: paths of Unix sockets have 107 bytes. Tests that
// run programs as another user must let that one through.
const scratch = mkdtempSync(join(tmpdir(), "wc-"));
chmodSync(scratch, 0o711);
const minuteMs = 60_000;

// `script` names the entry of package.json that holds the command. The longest first: they end together.
const steps = {
  e2e: { kind: "tests", script: "test:e2e" },
  unit: { kind: "tests", script: "test:unit" },
  conformance: { kind: "tests", script: "test:conformance" },
  compatibility: { kind: "tests", script: "test:compatibility" },
  dashboard: { kind: "tests", script: "test:dashboard" },
  lint: { kind: "command", script: "check:lint" },
  types: { kind: "command", script: "check:types" },
  "dashboard-types": { kind: "command", script: "check:types:dashboard" },
  repository: { kind: "tests", script: "test:repository" },
  unused: { kind: "command", script: "check:unused" },
  generated: { kind: "generated" },
  format: { kind: "command", script: "check:format" },
  bench: { kind: "command", script: "bench", args: "all --smoke", isOnRequest: true },
};
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const { PATH } = process.env;
const environment = {
  ...process.env,
  PATH: [dirname(bunPath(root)), join(root, "node_modules", ".bin"), PATH].join(delimiter),
  TMPDIR: scratch,
  // Some tools want a cache folder; the home folder may be read-only.
  BUF_CACHE_DIR: join(scratch, "buf"),
  DO_NOT_TRACK: "1",
};
// Longer than any step takes on a slow machine: a hang ends as a failure that names its step.
const stepTimeoutMs = 20 * minuteMs;
// Failures are told once more at the end, where a reader of a long log looks first.
const excerptLines = 30;

const running = new Set();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    rmSync(scratch, { recursive: true, force: true });
    process.exit(128 + constants.signals[signal]);
  });
}

/** Runs one command line of package.json with `sh`; its output goes to the file. */
function run(commandLine, output) {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", `exec ${commandLine}`], {
      cwd: root,
      stdio: ["ignore", output, output],
      env: environment,
    });
    running.add(child);
    const timer = setTimeout(() => {
      console.error(`${commandLine}: still running after ${stepTimeoutMs / minuteMs} minutes: ended`);
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), 5_000).unref();
    }, stepTimeoutMs);
    child.on("error", (error) => {
      console.error(`sh: ${error.message}`);
      clearTimeout(timer);
      resolve(false);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve(code === 0);
    });
  });
}

async function runStep(name, step, output) {
  switch (step.kind) {
    case "command":
      return single(await run([scripts[step.script], step.args].join(" "), output));
    case "generated":
      return single(await compareGenerated({ root, scratch, run: (line) => run(line, output) }));
    case "tests": {
      const report = join(scratch, `${name}.xml`);
      const reporting = `--reporter=junit --reporter-outfile='${report}'`;
      return testResult(await run(`${scripts[step.script]} ${reporting}`, output), readTestReport(report));
    }
    default:
      throw new Error(`unknown kind of step: ${step.kind}`);
  }
}

function everything() {
  return Object.keys(steps).filter((name) => steps[name].isOnRequest !== true);
}

function single(ok) {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, failures: [], skipped: [] };
}

function testResult(ok, report) {
  if (report === undefined || report.passed + report.failed.length + report.skipped.length === 0) {
    console.error("no test ran: counted as a failure");
    return single(false);
  }
  // bun also fails for what happens outside of a test (an error while loading a file).
  const failed = !ok && report.failed.length === 0 ? 1 : report.failed.length;
  return { passed: report.passed, failed, failures: report.failed, skipped: report.skipped };
}

/** A skip nobody expected hides a test that used to run. */
function reportSkips(skips) {
  let unexpected = 0;
  for (const name of skips) {
    const reason = expectedSkipReason(root, name);
    console.log(`skipped: ${name}${reason === undefined ? "" : ` (${reason})`}`);
    if (reason === undefined && process.env["CI"] === "true") unexpected++;
  }
  if (unexpected > 0) {
    console.error(`${unexpected} skipped without an entry in test/expected-skips.json: counted as failed`);
  }
  return unexpected;
}

async function main(wanted) {
  const unknown = wanted.filter((name) => steps[name] === undefined);
  if (unknown.length > 0) {
    console.error(`unknown step ${unknown.join(", ")}; steps are ${Object.keys(steps).join(", ")}`);
    return 64;
  }
  const total = { passed: 0, failed: 0, skipped: [] };
  const failedSteps = [];
  const failures = [];
  const queue = wanted.length > 0 ? [...wanted] : everything();
  const lane = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      console.log(`== ${name} begins`);
      const startedMs = Date.now();
      const path = join(scratch, `${name}.log`);
      const output = openSync(path, "w");
      const result = await runStep(name, steps[name], output);
      closeSync(output);
      total.passed += result.passed;
      total.failed += result.failed;
      total.skipped.push(...result.skipped);
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
      const log = readFileSync(path, "utf8");
      process.stdout.write(`\n== ${name}\n${log}`);
      if (result.failed > 0) {
        failedSteps.push(name);
        failures.push(
          ...failureExcerpts(log, excerptLines),
          ...result.failures.map((test) => `failed: ${test}`),
        );
      }
      console.log(`== ${name}: ${result.failed === 0 ? "ok" : "FAILED"} in ${seconds} s`);
    }
  };
  const lanes = wanted.length > 0 ? 1 : Math.min(2, availableParallelism());
  await Promise.all(Array.from({ length: lanes }, lane));
  console.log("");
  const unexpected = reportSkips(total.skipped);
  for (const failure of failures) console.log(failure);
  if (failedSteps.length > 0) console.log(`failed: ${failedSteps.join(", ")}`);
  const failed = total.failed + unexpected;
  const skipped = total.skipped.length - unexpected;
  console.log(`${total.passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
