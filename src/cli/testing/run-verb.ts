/** Runs one verb against a server of the test. */
import { join } from "node:path";
import { runCommandLine } from "../command-line.ts";
import type { FakeServer } from "./fake-server.ts";
import { recordOutput } from "./record-output.ts";

export interface VerbResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `folder`: the test's own, so that no mesh of this machine is in the way, whatever runs here. */
export async function runVerb(
  folder: string,
  server: Pick<FakeServer, "url">,
  args: readonly string[],
  token = "secret",
): Promise<VerbResult> {
  const recorded = recordOutput();
  const env = {
    WEFT_SERVER: server.url,
    WEFT_TOKEN: token,
    WEFT_RUNTIME_DIR: join(folder, "run"),
    USER: "ann",
  };
  const code = await runCommandLine(args, { output: recorded.output, env });
  return { code, out: recorded.out(), err: recorded.err() };
}
