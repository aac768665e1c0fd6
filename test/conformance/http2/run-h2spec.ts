/** `npm run conformance -- h2spec`: strict, plain and over TLS, against `weft serve` with an upstream of either version. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Running } from "../../e2e/harness/child-process.ts";
import { runServe } from "../../e2e/harness/serve.ts";
import { TemporaryFolder } from "../../e2e/harness/weft.ts";
import { freePort } from "../free-port.ts";
import { type Backend, gatewayFiles } from "../gateway-files.ts";
import { findH2spec, h2specCases, runH2spec } from "./h2spec.ts";
import { whyUnanswered } from "./is-answered.ts";
import { answer, listening, upstreams } from "./upstreams.ts";

const stopTimeoutMs = 5_000;

/** Prints what failed, and a line for each run. False: not every case passed, or a program is missing. */
export async function runHttp2(): Promise<boolean> {
  const h2spec = await findH2spec();
  const missing = [
    ...upstreams.map((upstream) => upstream.missing),
    "missing" in h2spec ? h2spec.missing : undefined,
  ];
  const reasons = missing.filter((reason) => reason !== undefined);
  if ("missing" in h2spec || reasons.length > 0) {
    console.error(reasons.join("\n"));
    return false;
  }
  using folder = new TemporaryFolder();
  const running: Running[] = [];
  try {
    const backends: Backend[] = [];
    for (const upstream of upstreams) {
      const port = freePort();
      running.push(upstream.start(folder.path, port));
      await listening(port);
      backends.push({
        name: upstream.name,
        path: `/${upstream.name}/`,
        appProtocol: upstream.appProtocol,
        port,
      });
    }
    const ports = { plain: freePort(), tls: freePort() };
    const files = join(folder.path, "files");
    mkdirSync(files);
    writeFileSync(join(files, "gateway.yaml"), gatewayFiles(ports, backends));
    await using served = await runServe(files, ["--listen-only"]);
    let isGood = true;
    for (const { name, path } of backends) {
      for (const [way, port] of [["plain", ports.plain] as const, ["TLS", ports.tls] as const]) {
        const target = { port, path, isTls: way === "TLS" };
        const problem = await whyUnanswered(target, answer);
        if (problem !== undefined) console.log(`${way}, ${name} behind: not answered: ${problem}`);
        const { passed, failed, failures } = await runH2spec(h2spec.path, target);
        isGood = isGood && problem === undefined && passed === h2specCases;
        console.log(
          `h2spec strict, ${way}, ${name} behind: ${passed} of ${h2specCases} passed, ${failed} failed`,
        );
        if (failures !== "") console.log(`${failures}\n`);
      }
    }
    if (!isGood) console.error(served.stderr);
    return isGood;
  } finally {
    for (const program of running) program.kill("SIGTERM");
    await Promise.all(running.map((program) => program.within(stopTimeoutMs)));
  }
}
