/** The audit log's files: names in the order of their entries, the end of the last one, and a check of all of them. */
import { createReadStream, readdirSync, readFileSync, truncateSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { AuditChain, type AuditHead, type AuditVerdict } from "../../api/index.ts";

const namePattern = /^audit-\d{16}\.jsonl$/;

export function auditFileName(firstSeq: number): string {
  return `audit-${String(firstSeq).padStart(16, "0")}.jsonl`;
}

/** Paths, oldest first. */
export function auditFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => namePattern.test(name))
    .toSorted()
    .map((name) => join(directory, name));
}

/** The last entries of a file. A line without its end, which a crash leaves behind, is cut off; `cut` is its length. */
export function readTail(file: string): {
  readonly head: AuditHead | undefined;
  readonly lines: string[];
  readonly cut: number;
} {
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf(0x0a) + 1;
  const cut = bytes.length - end;
  if (cut > 0) truncateSync(file, end);
  const lines = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
  return { head: headOf(lines.at(-1)), lines, cut };
}

/** Not checked: what the line says of itself. */
export function headOf(line: string | undefined): AuditHead | undefined {
  const groups = /^\{"seq":(?<seq>\d{1,16}),.*"hash":"(?<hash>[0-9a-f]{64})"\}$/s.exec(line ?? "")?.groups;
  return groups === undefined ? undefined : { seq: Number(groups["seq"]), hash: groups["hash"] ?? "" };
}

/** Every line of every file, in order. `expected` are places that the chain must go through. */
export async function verifyFiles(
  files: readonly string[],
  expected: readonly AuditHead[] = [],
): Promise<AuditVerdict> {
  const chain = new AuditChain();
  let problem: AuditVerdict["problem"];
  const wanted = new Map(expected.map(({ seq, hash }) => [seq, hash]));
  for (const file of files) {
    for await (const { line, number } of linesOf(file)) {
      const message = chain.push(line) ?? anchorProblem(chain.head, wanted);
      if (message === undefined) continue;
      problem = { place: `${basename(file)}:${number}`, message };
      break;
    }
    if (problem !== undefined) break;
  }
  const newest = expected.toSorted((a, b) => a.seq - b.seq).at(-1);
  if (problem === undefined && newest !== undefined && newest.seq > chain.head.seq) {
    const place = basename(files.at(-1) ?? "audit");
    problem = { place, message: `entries ${chain.head.seq + 1} to ${newest.seq} are missing at the end` };
  }
  const { count: entries, firstSeq, head } = chain;
  return { entries, files: files.length, firstSeq, head, ...(problem === undefined ? {} : { problem }) };
}

function anchorProblem({ seq, hash }: AuditHead, wanted: ReadonlyMap<number, string>): string | undefined {
  const known = wanted.get(seq);
  return known === undefined || known === hash
    ? undefined
    : `entry ${seq} is not the one that the store knows`;
}

export async function* linesOf(
  file: string,
): AsyncGenerator<{ readonly line: string; readonly number: number }> {
  const reader = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  for await (const line of reader) yield { line, number: ++number };
}
