/** `weft status`: the control plane, its proxies and the revisions they run. With `--wait`, done when all run the newest. */
import { formatAge } from "../kernel/index.ts";
import { Command } from "commander";
import type { MeshStatus, ProxyStatus } from "../api/index.ts";
import type { Cli } from "./cli.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseDuration, type SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";
import { waitForRevision } from "./wait-for-revision.ts";

interface Options extends SharedOptions {
  readonly wait?: boolean;
  readonly timeout: number;
}

export function command(cli: Cli): Command {
  return new Command("status")
    .option("--wait", "return when every proxy runs the newest revision")
    .option("--timeout <duration>", "how long to wait", parseDuration, 30_000)
    .action(async (options: Options) => {
      const client = await connectServer(cli, options);
      if (options.wait === true && !(await waitForRevision(client, "newest", options.timeout, cli.output))) {
        cli.exitCode = 1;
      }
      const status = await client.status();
      cli.output.write(structured(status, options.output) ?? formatStatus(status, options, cli));
    });
}

function formatStatus(status: MeshStatus, options: Options, cli: Cli): string {
  if (options.output === "name") return status.proxies.map(({ id }) => `${id}\n`).join("");
  const connected = status.proxies.filter((proxy) => proxy.connected);
  const current = connected.filter((proxy) => proxy.revision >= status.revision);
  const lines = [
    `control plane ${status.version}, up ${formatAge(status.startTimeMs, Date.now())}, trust domain ${status.trustDomain}`,
    `revision ${status.revision} runs on ${current.length} of ${connected.length} connected proxies`,
  ];
  if (status.compiledRevision < status.revision)
    lines.push(`revision ${status.compiledRevision} is compiled so far`);
  if (status.isLivenessFrozen)
    lines.push("too many workloads would count as dead at once, so none does until that changes");
  const rows = status.proxies.map((proxy) => rowOf(proxy, status.revision, options.output === "wide"));
  const header = [
    "PROXY",
    "ROLE",
    "STATE",
    "REVISION",
    ...(options.output === "wide" ? ["ADDRESS", "SUBSCRIBED", "IDENTITY"] : []),
  ];
  const table =
    rows.length === 0 ? "" : `\n${formatTable(header, rows, { width: cli.output.width, right: [3] })}`;
  return `${lines.join("\n")}\n${table}`;
}

function rowOf(proxy: ProxyStatus, newest: number, isWide: boolean): string[] {
  const row = [proxy.id, proxy.role, stateOf(proxy, newest), String(proxy.revision)];
  return isWide ? [...row, proxy.address ?? "", String(proxy.subscriptions ?? ""), proxy.identity] : row;
}

function stateOf(proxy: ProxyStatus, newest: number): string {
  if (!proxy.connected) return "gone";
  const refused = proxy.rejections?.[0];
  if (refused !== undefined) return `refused ${refused.resource}: ${refused.message}`;
  return proxy.revision >= newest ? "current" : "behind";
}
