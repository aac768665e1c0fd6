/** `weft support FILE.tar.gz`: what a report of a bug needs, with secrets removed. */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { kindNames, kinds } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { errorLine } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { redactDocument, redactText } from "./redact.ts";
import { connectServer } from "./server.ts";
import type { SharedOptions } from "./shared-options.ts";
import { encodeTar, type TarFile } from "./tar.ts";

interface Options extends SharedOptions {
  readonly logs?: string;
}

const revisions = 100;
/** Of each log, the end; of logs together so many files. */
const maxLogBytes = 262_144;
const maxLogs = 200;

const help = `
Versions, status, findings, certificates without keys, the last ${revisions} revisions without their content, all resources, metrics and the ends of logs.
Removed: what Secrets hold, tokens, private keys, headers such as Authorization and Cookie, passwords, claims of JWTs. Names of services, addresses
and paths of requests stay: look through the bundle before you send it.`;

export function command(cli: Cli): Command {
  return new Command("support")
    .argument("<file>", "such as support.tar.gz")
    .option("--logs <dir>", "logs of weft up, which are DATA-DIR/logs, or others")
    .addHelpText("after", help)
    .action(async (file: string, options: Options) => {
      const client = await connectServer(cli, options);
      const files = [...(await documents(client)), ...logs(options.logs)];
      const nowMs = Date.now();
      writeFileSync(file, Bun.gzipSync(Uint8Array.from(encodeTar(files, nowMs))), { mode: 0o600 });
      cli.output.write(`wrote ${files.length} files into ${file}; look through them before you send it\n`);
    });
}

/** Each as far as it can be had: a bundle is asked for when something does not work. */
async function documents(client: ApiClient): Promise<TarFile[]> {
  const sources: Readonly<Record<string, () => Promise<unknown>>> = {
    version: () =>
      Promise.resolve({
        weft: manifest.version,
        bun: Bun.version,
        platform: `${process.platform}-${process.arch}`,
      }),
    status: () => client.status(),
    findings: () => client.findings(),
    certificates: () => client.certificates(),
    history: () => client.history({ limit: revisions }),
    refusals: () => client.refusals(),
    ...Object.fromEntries(
      kindNames.map((kind) => [
        `resources/${kinds[kind].plural}`,
        async () => (await client.list(kind)).items,
      ]),
    ),
  };
  const files = Object.entries(sources).map(async ([name, read]): Promise<TarFile> => {
    const value = await read().catch((error: unknown) => ({ error: errorLine(error) }));
    return { name: `${name}.json`, content: `${JSON.stringify(redactDocument(value), undefined, 2)}\n` };
  });
  const metrics = client.metrics().catch((error: unknown) => errorLine(error));
  return [...(await Promise.all(files)), { name: "metrics.txt", content: redactText(await metrics) }];
}

function logs(directory: string | undefined): TarFile[] {
  if (directory === undefined || !existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .toSorted()
    .slice(0, maxLogs)
    .map((name, i) => ({
      name: `logs/${i}-${name.slice(-80)}`,
      content: redactText(tail(join(directory, name))),
    }));
}

function tail(path: string): string {
  const { size } = statSync(path);
  const bytes = Buffer.alloc(Math.min(size, maxLogBytes));
  const fd = openSync(path, "r");
  try {
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, size - bytes.length));
  } finally {
    closeSync(fd);
  }
}
