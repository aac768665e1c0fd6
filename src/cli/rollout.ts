/** `weft rollout status|list|promote|abort`: configurations that are tried out on some proxies. */
import { Command } from "commander";
import type { ConfigRollout, RolloutFigures } from "../api/index.ts";
import { formatAge, WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { plainText } from "./plain-text.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import type { SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";

const actions = ["status", "list", "promote", "abort"];

export function command(cli: Cli): Command {
  return new Command("rollout")
    .argument("<action>", actions.join(", "))
    .argument("[name]", "which; the one under way where absent")
    .action(async (action: string, name: string | undefined, options: SharedOptions) => {
      if (!actions.includes(action))
        throw new WeftError("usage", `there is no action ${action}`, { hint: `write ${actions.join(", ")}` });
      const client = await connectServer(cli, options);
      const all = await client.rollouts();
      if (action === "list") return list(cli, all, options);
      const wanted = name ?? (all.find(({ status }) => status.phase === "Watching") ?? all[0])?.metadata.name;
      const rollout = all.find(({ metadata }) => metadata.name === wanted);
      if (rollout === undefined) {
        throw new WeftError(
          "not_found",
          name === undefined ? "nothing was tried out yet" : `there is no rollout ${name}`,
        );
      }
      if (action === "status") return show(cli, rollout, options);
      const revision = await client.endRollout(
        rollout.metadata.name,
        action === "promote" ? "promote" : "abort",
      );
      cli.output.note(
        revision === undefined
          ? `${rollout.metadata.name} is aborted`
          : `${rollout.metadata.name} is revision ${revision}`,
      );
    });
}

function list(cli: Cli, rollouts: readonly ConfigRollout[], { output }: SharedOptions): void {
  const text = structured(rollouts, output);
  if (text !== undefined) return cli.output.write(text);
  if (output === "name")
    return cli.output.write(rollouts.map(({ metadata }) => `${metadata.name}\n`).join(""));
  const rows = rollouts.map(({ metadata, spec, status }) => [
    ...[metadata.name, status.phase, formatAge(Date.parse(status.startedAt), Date.now())],
    ...[spec.author, status.revision === undefined ? "" : String(status.revision), status.reason],
  ]);
  const header = ["NAME", "PHASE", "AGE", "AUTHOR", "REVISION", "REASON"];
  cli.output.write(formatTable(header, rows, { width: cli.output.width }));
}

function show(cli: Cli, rollout: ConfigRollout, { output }: SharedOptions): void {
  const text = structured(rollout, output);
  if (text !== undefined) return cli.output.write(text);
  const { metadata, spec, status } = rollout;
  const share = `${spec.steps[status.step] ?? 0}% (step ${status.step + 1} of ${spec.steps.length})`;
  const line = (label: string, value: string): void =>
    cli.output.line(`${label.padEnd(10)}${plainText(value)}`);
  line(metadata.name, status.phase);
  line("Reason:", status.reason);
  line("Share:", `${share}, ${status.proxies} proxies have it`);
  line("Author:", spec.author);
  if (spec.message !== "") line("Message:", spec.message);
  if (status.revision !== undefined) line("Revision:", String(status.revision));
  for (const { kind, namespace, name, outcome } of spec.changes)
    line("Object:", `${kind} ${namespace === "" ? "" : `${namespace}/`}${name} (${outcome})`);
  line("Canary:", figuresText(status.canary));
  line("Others:", figuresText(status.others));
  line("Before:", figuresText(status.before));
}

function figuresText(figures: RolloutFigures | undefined): string {
  if (figures === undefined || figures.requests === 0) return "no requests";
  const { requests, failures, p99Ms } = figures;
  return `${requests} requests, ${((100 * failures) / requests).toFixed(1)}% failed, p99 ${p99Ms.toFixed(1)} ms`;
}
