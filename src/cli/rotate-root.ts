/** `weft cert rotate-root`: begins, follows, continues or aborts a change of the mesh's root. The control plane does it; this shows it. */
import type { RotationRequest, RotationStatus } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { structured } from "./render.ts";
import type { SharedOptions } from "./shared-options.ts";

export const rotationPhases = ["trust", "issue", "retire"] as const;

export interface RotateOptions {
  readonly pauseAfter?: (typeof rotationPhases)[number];
  /** Milliseconds. */
  readonly forceAfter?: number;
  readonly continue?: boolean;
  readonly abort?: boolean;
  readonly status?: boolean;
}

const askEveryMs = 200;
/** As many names as fit a line that is read at a glance. */
const maxNamed = 5;

export async function rotateRoot(
  cli: Cli,
  client: ApiClient,
  options: RotateOptions & SharedOptions,
): Promise<void> {
  if (options.status === true) {
    const status = await client.rootRotation();
    cli.output.write(structured(status, options.output) ?? `${describe(status)}\n`);
    return;
  }
  const before = await client.rotateRoot(requestOf(options));
  const end = await follow(cli, client, before);
  if (end.paused) cli.output.note("weft: paused; go on with weft cert rotate-root --continue, or --abort");
  const text = structured(end, options.output);
  if (text !== undefined) cli.output.write(text);
  else if (!end.paused) cli.output.line(describe(end));
  const wanted = options.abort === true ? "aborted" : "done";
  if (!end.paused && end.last?.outcome !== wanted) cli.exitCode = 1;
}

function requestOf(options: RotateOptions): RotationRequest {
  const { pauseAfter, forceAfter } = options;
  if (options.continue === true && options.abort === true)
    throw new WeftError("usage", "--continue and --abort exclude each other");
  return {
    action: options.abort === true ? "abort" : options.continue === true ? "continue" : "start",
    ...(pauseAfter === undefined ? {} : { pauseAfter }),
    ...(forceAfter === undefined ? {} : { forceAfterSeconds: Math.ceil(forceAfter / 1_000) }),
  };
}

/** Until it is over or pauses. A control plane that is being restarted is waited for: it goes on where it was. */
async function follow(cli: Cli, client: ApiClient, first: RotationStatus): Promise<RotationStatus> {
  let status = first;
  let shown = "";
  while (status.phase !== "none" && !status.paused) {
    const line = describe(status);
    if (line !== shown) cli.output.note(line);
    shown = line;
    await Bun.sleep(askEveryMs);
    status = (await ask(cli, client)) ?? status;
  }
  return status;
}

async function ask(cli: Cli, client: ApiClient): Promise<RotationStatus | undefined> {
  try {
    return await client.rootRotation();
  } catch (error) {
    if (!(error instanceof WeftError) || (error.code !== "unreachable" && error.code !== "timeout"))
      throw error;
    cli.output.note("the control plane does not answer; waiting for it");
    return undefined;
  }
}

const phaseTexts: Record<Exclude<RotationStatus["phase"], "none">, string> = {
  trust: "trust the new root",
  issue: "have a certificate of the new root",
  retire: "do not trust the old root any more",
  retrust: "trust the old root again",
  return: "have a certificate of the old root again",
  withdraw: "do not trust the new root any more",
};

function describe(status: RotationStatus): string {
  const { phase, done, total, behind, last } = status;
  if (phase === "none") {
    if (last === undefined) return "the root was never changed";
    const when = new Date(last.finishedMs).toISOString();
    return last.outcome === "done"
      ? `done: the root is ${last.to.slice(0, 16)} since ${when}`
      : `aborted: the root is ${last.from.slice(0, 16)} as before, since ${when}`;
  }
  const named = behind.slice(0, maxNamed).map(({ workload, why }) => `${workload} (${why})`);
  const more = behind.length > maxNamed ? ` and ${behind.length - maxNamed} more` : "";
  const waiting = behind.length === 0 ? "" : `; behind: ${named.join(", ")}${more}`;
  return `${phase}: ${done}/${total} proxies ${phaseTexts[phase]}${waiting}`;
}
