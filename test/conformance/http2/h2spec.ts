/** h2spec, the conformance suite of HTTP/2 servers: what it says of one address. */
import { spawnProcess } from "../../e2e/harness/child-process.ts";
import { type GoTool, findGoTool } from "../go-tools.ts";

export interface H2specReport {
  readonly passed: number;
  readonly failed: number;
  /** Each failed case with what was expected; or what h2spec itself died of. */
  readonly failures: string;
}

export interface H2specTarget {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly path: string;
  readonly isTls: boolean;
}

const tool: GoTool = {
  name: "h2spec",
  variable: "WEFT_H2SPEC",
  source: "github.com/summerwind/h2spec/cmd/h2spec",
  version: "v2.2.1+incompatible",
};
/** What strict mode has. */
export const h2specCases = 146;
/** Cases wait for what must not come: two seconds each, so that a bad server takes minutes and not hours. */
const totalTimeoutMs = 600_000;

export function findH2spec(): ReturnType<typeof findGoTool> {
  return findGoTool(tool);
}

export async function runH2spec(program: string, target: H2specTarget): Promise<H2specReport> {
  const tls = target.isTls ? ["--tls", "--insecure"] : [];
  const options = ["--strict", "--host", "127.0.0.1", "--port", String(target.port), "--path", target.path];
  const run = spawnProcess([program, ...options, ...tls], { cwd: process.cwd(), env: process.env });
  const { stdout, stderr } = await run.within(totalTimeoutMs);
  const [, passed, failed] = /^\d+ tests, (\d+) passed, \d+ skipped, (\d+) failed$/m.exec(stdout) ?? [];
  if (passed === undefined || failed === undefined) {
    return { passed: 0, failed: 0, failures: `${stdout}${stderr}`.trim().split("\n").slice(-5).join("\n") };
  }
  const [, failures = ""] = /^Failures:\s*\n([\s\S]*?)^Finished in/m.exec(stdout) ?? [];
  return { passed: Number(passed), failed: Number(failed), failures: failures.trim() };
}
