/** `weft audit list` shows who did what; `weft audit verify` checks that nobody has changed the log since, of the server or of files. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Command } from "commander";
import { AuditChain, type AuditEntry, type AuditVerdict } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Cli } from "./cli.ts";
import { plainText } from "./plain-text.ts";
import { structured } from "./render.ts";
import { connectServer } from "./server.ts";
import { parseCount, parseDuration, type SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";

interface Options extends SharedOptions {
  readonly since?: number;
  readonly limit: number;
  readonly head?: string;
}

export function command(cli: Cli): Command {
  return new Command("audit")
    .usage("[options] list | verify [FILE...]")
    .argument("<what>", "list or verify")
    .argument("[files...]", "for verify: files of a log, oldest first; none: the server checks its own")
    .option("--since <duration>", "only what happened in the last 10m, 24h …", parseDuration)
    .option("--limit <n>", "how many entries, the newest", parseCount, 100)
    .option("--head <seq:hash>", "for verify of files: an entry that was noted elsewhere and must be in them")
    .action(async (what: string, files: readonly string[], options: Options) => {
      if (what === "list" && files.length === 0) return list(cli, options);
      if (what === "verify") return verify(cli, files, options);
      throw new WeftError("usage", `audit ${what} is not known`, {
        hint: "write weft audit list or weft audit verify",
      });
    });
}

async function list(cli: Cli, options: Options): Promise<void> {
  const client = await connectServer(cli, options);
  const sinceMs = options.since === undefined ? 0 : Date.now() - options.since;
  const entries = await client.audit(options.limit, sinceMs);
  const text = structured(entries, options.output);
  if (text !== undefined) {
    cli.output.write(text);
    return;
  }
  const rows = entries.map((entry) => [
    ...[String(entry.seq), entry.time, plainText(whoOf(entry)), entry.source, entry.outcome ?? entry.phase],
    ...[plainText(entry.verb), plainText(objectsOf(entry))],
  ]);
  cli.output.write(
    formatTable(["SEQ", "TIME", "WHO", "FROM", "OUTCOME", "WHAT", "OBJECTS"], rows, {
      width: cli.output.width,
      right: [0],
    }),
  );
}

function whoOf({ user, impersonator, method }: AuditEntry): string {
  const who = user === "" ? "nobody" : user;
  return impersonator === undefined ? `${who} (${method})` : `${who} (by ${impersonator})`;
}

function objectsOf({ objects, message }: AuditEntry): string {
  const [first, ...more] = objects;
  if (first === undefined) return message ?? "";
  const name = `${first.kind} ${first.namespace === undefined ? "" : `${first.namespace}/`}${first.name}`;
  return more.length === 0 ? name : `${name} and ${more.length} more`;
}

async function verify(cli: Cli, files: readonly string[], options: Options): Promise<void> {
  const verdict =
    files.length === 0
      ? await (await connectServer(cli, options)).auditVerdict()
      : await verdictOf(files, options.head);
  const text = structured(verdict, options.output);
  cli.output.write(text ?? `${verdictLine(verdict)}\n`);
  if (verdict.problem !== undefined) cli.exitCode = 1;
}

export function verdictLine({ entries, firstSeq, head, problem }: AuditVerdict): string {
  if (problem !== undefined) return `the audit log is not whole: ${problem.place}: ${problem.message}`;
  const range = entries === 0 ? "" : ` (${firstSeq} to ${head.seq}, head ${head.seq}:${head.hash})`;
  return `the audit log is whole: ${entries} entries${range}`;
}

async function verdictOf(files: readonly string[], expected: string | undefined): Promise<AuditVerdict> {
  const chain = new AuditChain();
  let isFound = expected === undefined;
  const verdict = (problem?: AuditVerdict["problem"]): AuditVerdict => {
    const { count: entries, firstSeq, head } = chain;
    return { entries, files: files.length, firstSeq, head, ...(problem === undefined ? {} : { problem }) };
  };
  for (const file of files) {
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
    let number = 0;
    try {
      for await (const line of lines) {
        number++;
        const message = chain.push(line);
        if (message !== undefined) return verdict({ place: `${file}:${number}`, message });
        isFound ||= `${chain.head.seq}:${chain.head.hash}` === expected;
      }
    } catch (cause) {
      throw new WeftError("bad_input", `${file} cannot be read`, { cause });
    }
  }
  const place = files.at(-1) ?? "";
  return isFound ? verdict() : verdict({ place, message: `entry ${expected ?? ""} is not in it` });
}
