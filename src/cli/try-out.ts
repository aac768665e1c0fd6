/** `weft apply --canary`: begins to try a configuration out, and with `--wait` follows it to its end. */
import { InvalidArgumentError } from "commander";
import type { ApiClient } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import { currentAuthor } from "./author.ts";
import type { Cli } from "./cli.ts";
import { plainText } from "./plain-text.ts";
import { structured } from "./render.ts";
import type { OutputFormat } from "./shared-options.ts";
import { writeTransaction } from "./transaction-report.ts";

export interface TryOutOptions {
  readonly objects: readonly unknown[];
  readonly steps: readonly number[];
  readonly watchMs: number;
  readonly message: string;
  readonly sourceCommit: string | undefined;
  readonly wait?: boolean;
  readonly dryRun?: boolean;
  readonly output: OutputFormat;
}

const askEveryMs = 1_000;

/** `10%`, `10%,50%`, `10,50`. */
export function parseShares(text: string): readonly number[] {
  const shares = text
    .split(",")
    .map((part) => Number(/^\s*(\d{1,2})\s*%?\s*$/.exec(part)?.[1] ?? Number.NaN));
  const isGrowing = shares.every((share, index) => share >= 1 && share > (shares[index - 1] ?? 0));
  if (!isGrowing)
    throw new InvalidArgumentError("write percentages from 1 to 99 that grow, such as 10% or 10%,50%");
  return shares;
}

export async function tryOut(cli: Cli, client: ApiClient, options: TryOutOptions): Promise<void> {
  const { objects, steps, watchMs, message, sourceCommit } = options;
  if (options.dryRun === true) {
    throw new WeftError("usage", "--canary and --dry-run do not go together", {
      hint: "weft apply --dry-run checks the files, weft plan shows what they would do",
    });
  }
  const started = await client.startRollout({
    ...{ objects, steps, message, author: currentAuthor(cli.env) },
    watchSeconds: Math.max(1, Math.ceil(watchMs / 1_000)),
    ...(sourceCommit === undefined ? {} : { sourceCommit }),
  });
  const { name, results } = started;
  const text = structured(started, options.output);
  if (text !== undefined) cli.output.write(text);
  else writeTransaction(cli, { revision: 0, results }, options.output, "canary");
  if (name === undefined) return cli.output.note("nothing would change");
  cli.output.note(
    `${name} is tried out on ${steps[0] ?? 0}% of the proxies that it concerns; weft rollout status`,
  );
  if (options.wait === true && !(await waitForEnd(cli, client, name))) cli.exitCode = 1;
}

/** A step that sees too little traffic ends by itself, so this does too. */
async function waitForEnd(cli: Cli, client: ApiClient, name: string): Promise<boolean> {
  let said = "";
  for (;;) {
    const rollout = (await client.rollouts()).find(({ metadata }) => metadata.name === name);
    if (rollout === undefined) throw new WeftError("not_found", `${name} is not known any more`);
    const { phase, reason, revision } = rollout.status;
    const line = phase === "Watching" ? reason : `${phase}: ${reason}`;
    if (line !== said) cli.output.note(`${name}: ${plainText(line)}`);
    said = line;
    if (phase !== "Watching") {
      if (revision !== undefined) cli.output.note(`revision ${revision}`);
      return phase === "Promoted";
    }
    await Bun.sleep(askEveryMs);
  }
}
