/** The run as a document: a summary, what each proxy passed on that it should not have, then every vector. */
import type { Row, TableRun } from "./run-table.ts";
import type { Verdict } from "./judge.ts";

export type Results = ReadonlyMap<string, TableRun>;

const verdicts: readonly Verdict[] = [
  "right",
  "safe",
  "choice",
  "repaired",
  "forwarded",
  "altered",
  "rejected",
  "silent",
];

const words: Readonly<Record<Verdict, string>> = {
  right: "right",
  safe: "safe",
  choice: "choice",
  repaired: "repaired",
  forwarded: "**FORWARDED**",
  altered: "**ALTERED**",
  rejected: "rejected",
  silent: "silent",
};

export function summaryLines(results: Results): string[] {
  return [...results].map(([name, { version, rows }]) => {
    const counts = verdicts.map((verdict) => `${verdict} ${count(rows, verdict)}`);
    return `${name} ${version}: ${counts.join(", ")} of ${rows.length}`;
  });
}

export function markdown(results: Results): string {
  const names = [...results.keys()];
  const [first] = results.values();
  const total = first?.rows.length ?? 0;
  const requests = first?.rows.filter(({ kind }) => kind === "request").length ?? 0;
  const choices = first?.rows.filter(({ isChoice }) => isChoice).length ?? 0;
  return `# HTTP/1.1: what proxies do with ${total} messages

Written by \`npm run conformance:http1 -- --peers ${names.join(",")} --markdown docs/conformance-http1.md\`. ${requests} requests and ${total - requests}
responses, each with the section of RFC 9110 or 9112 that rules it and one right outcome, are sent byte for byte to a port where a plain
reverse proxy listens; behind it an upstream records all that comes and answers with fixed bytes (for a response: with the vector's).
The table is our own, so weft's column says no more than that it does what we mean; what arrived malformed is told by weft's parser, which
is checked against llhttp besides. The vectors are in \`src/http1/testdata\`, the judge in \`test/conformance/http1\`.

${table(["", ...names.map((name) => `${name} ${results.get(name)?.version ?? ""}`)], summaryRows(results))}

- **right or safe**: as the table says; _safe_ ones differ without harm: refused with another status, the connection not closed after a
  refusal or closed after a good answer, trailers dropped.
- **other choice**: the proxy does otherwise than our table, and the RFC lets it (${choices} vectors; \`*-choices.ts\` in
  \`test/conformance/http1\` say which words allow it). Never counted against anybody; to pass on unrepaired what may only be repaired is.
- **repaired**: what the table refuses was passed on as one well-formed message: what was meant was guessed. RFC 9112 2.2 says that
  a server SHOULD answer 400; for an invalid Host, white space before a colon and a faulty length it is a MUST.
- **forwarded**: what must be refused was passed on malformed, or as more messages than it may be. **altered**: passed on with a field that must end at this
  hop, without one that must arrive, or with interim responses missing. **rejected**: refused what is valid. **silent**: neither an
  answer nor an end within the time that every other vector has.

## Passed on, and should not have been

${names.map((name) => offences(name, results.get(name)?.rows ?? [])).join("\n\n")}

## Every vector

${(["request", "response"] as const).map((kind) => everyVector(kind, results)).join("\n\n")}
`;
}

function summaryRows(results: Results): string[][] {
  const runs = [...results.values()];
  const line = (label: string, isIt: (row: Row) => boolean): string[] => [
    label,
    ...runs.map(({ rows }) => String(rows.filter(isIt).length)),
  ];
  return [
    line("vectors", () => true),
    line("right or safe", ({ verdict }) => verdict === "right" || verdict === "safe"),
    line("of these exactly as the table says", ({ verdict }) => verdict === "right"),
    line("other choice", ({ verdict }) => verdict === "choice"),
    line("repaired", ({ verdict }) => verdict === "repaired"),
    line("**forwarded**, requests", ({ verdict, kind }) => verdict === "forwarded" && kind === "request"),
    line("**forwarded**, responses", ({ verdict, kind }) => verdict === "forwarded" && kind === "response"),
    line("altered", ({ verdict }) => verdict === "altered"),
    line("rejected", ({ verdict }) => verdict === "rejected"),
    line("silent", ({ verdict }) => verdict === "silent"),
  ];
}

function offences(name: string, rows: readonly Row[]): string {
  const lines = rows
    .filter(({ verdict }) => verdict === "forwarded" || verdict === "altered")
    .map(({ kind, title, verdict, did }) => `- ${kind}, ${escaped(title)}: ${verdict} (${escaped(did)})`);
  return `### ${name}\n\n${lines.length === 0 ? "Nothing." : lines.join("\n")}`;
}

function everyVector(kind: "request" | "response", results: Results): string {
  const names = [...results.keys()];
  const runs = [...results.values()];
  const rows = (runs[0]?.rows ?? []).flatMap((row, at) => {
    if (row.kind !== kind) return [];
    const title = `${escaped(row.title)}${row.isChoice ? " (choice)" : ""}`;
    return [[title, ...runs.map((run) => cell(run.rows[at]))]];
  });
  return `### ${kind === "request" ? "Requests" : "Responses"}\n\n${table(["vector", ...names], rows)}`;
}

function cell(row: Row | undefined): string {
  return row === undefined ? "" : `${words[row.verdict]}: ${escaped(row.did)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Bytes that mean something to Markdown or that nobody can read. */
function escaped(text: string): string {
  return text
    .replace(/[^\x20-\x7e…]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`)
    .replace(/[\\`*_[\]<>|]/g, "\\$&");
}

function count(rows: readonly Row[], verdict: Verdict): number {
  return rows.filter((row) => row.verdict === verdict).length;
}
