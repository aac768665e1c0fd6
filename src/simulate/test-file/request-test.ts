/** Files of tests: requests, and what is expected to become of them. Every problem comes with file, line and field. */
import { decodeMessage, type SourceDocument, type ValueOf } from "../../api/index.ts";
import type { Issue } from "../../kernel/index.ts";
import { requestTestSchema } from "./schema.ts";

type RequestTest = ValueOf<typeof requestTestSchema>;
export type TestCase = RequestTest["tests"][number];

export interface TestDocument {
  readonly file: string;
  readonly test: RequestTest;
  /** Of a field of the document, such as `tests[2].expect.backend`. */
  lineOf(path: string): number;
}

export function readTestDocuments(documents: readonly SourceDocument[]): {
  readonly tests: readonly TestDocument[];
  readonly issues: readonly Issue[];
} {
  const tests: TestDocument[] = [];
  const issues: Issue[] = [];
  for (const document of documents) {
    const { file } = document;
    const kind = kindOf(document.value);
    if (kind !== undefined && kind !== "RequestTest") {
      const message = `is a ${kind} and no RequestTest; configuration is named with -f, or in the test's own configuration`;
      issues.push({ path: "kind", message, file, line: document.lineOf("kind") });
      continue;
    }
    const decoded = decodeMessage(requestTestSchema, document.value, "request");
    const found = "issues" in decoded ? decoded.issues : checkCases(decoded.object);
    issues.push(...found.map((issue) => ({ ...issue, file, line: document.lineOf(issue.path) })));
    if ("object" in decoded)
      tests.push({ file, test: decoded.object, lineOf: (path) => document.lineOf(path) });
  }
  return { tests, issues };
}

function kindOf(value: unknown): string | undefined {
  const kind: unknown =
    typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  return typeof kind === "string" ? kind : undefined;
}

function checkCases({ tests }: RequestTest): Issue[] {
  const names = new Set<string>();
  return tests.flatMap(({ name, expect }, index): Issue[] => {
    const issues: Issue[] = [];
    if (names.has(name))
      issues.push({ path: `tests[${index}].name`, message: `another test is named ${name}` });
    names.add(name);
    if (Object.keys(expect).length === 0) {
      issues.push({
        path: `tests[${index}].expect`,
        message: "expects nothing: write a verdict, a backend, a status …",
      });
    }
    return issues;
  });
}
