/** Files of tests as people write them, with the line of every expectation, run as `weft test` runs them. */
import { parseYamlDocuments } from "../../../src/api/index.ts";
import {
  Coverage,
  readTestDocuments,
  runTests,
  type SimulatedMesh,
  type TestResult,
} from "../../../src/simulate/index.ts";
import type { Question } from "./applied.ts";
import type { Expected } from "./expected.ts";
import { simulatedRequest } from "./simulated-request.ts";

export interface ExpectedTest {
  readonly question: Question;
  readonly expected: Expected;
}

export interface TestText {
  readonly text: string;
  /** Of a test of the list; "": its name's line. */
  lineOf(test: number, field: string): number | undefined;
}

/** A value on each line, so that it is known where each stands. JSON is YAML. */
export function testText(tests: readonly ExpectedTest[]): TestText {
  const lines = ["kind: RequestTest", "tests:"];
  const lineOf = new Map<string, number>();
  for (const [index, { question, expected }] of tests.entries()) {
    lines.push(`  - name: test ${index}`);
    lineOf.set(`${index} `, lines.length);
    const { from, url, method, headers = [], requestId } = simulatedRequest(question);
    if (from.gateway === undefined) lines.push(`    from: ${from.workload}`);
    else lines.push(`    from: gateway/${from.gateway}`, `    client: ${from.client}`);
    lines.push(
      `    request: ${JSON.stringify({ url, method, headers: Object.fromEntries(headers), id: requestId })}`,
      "    expect:",
    );
    const isHeader = (field: string): boolean => field.startsWith("headers.");
    for (const [field, value] of expected) {
      if (isHeader(field)) continue;
      lines.push(`      ${field}: ${JSON.stringify(value)}`);
      lineOf.set(`${index} ${field}`, lines.length);
    }
    const headerFields = [...expected].filter(([field]) => isHeader(field));
    if (headerFields.length > 0) lines.push("      headers:");
    for (const [field, value] of headerFields) {
      lines.push(`        ${field.slice("headers.".length)}: ${JSON.stringify(value)}`);
      lineOf.set(`${index} ${field}`, lines.length);
    }
  }
  return { text: `${lines.join("\n")}\n`, lineOf: (test, field) => lineOf.get(`${test} ${field}`) };
}

/** Throws where the file is none of tests. */
export function runTestText({ text }: TestText, mesh: SimulatedMesh): TestResult[] {
  const read = parseYamlDocuments(new TextEncoder().encode(text), "tests.yml");
  const { tests, issues } = readTestDocuments(read.documents);
  const wrong = [...read.issues, ...issues];
  if (wrong.length > 0) throw new Error(`${JSON.stringify(wrong, undefined, 1)} in\n${text}`);
  const coverage = new Coverage(mesh.objects);
  return tests.flatMap((document) =>
    runTests(document, (request) => mesh.simulate(request), "default", coverage),
  );
}
