/** Results of tests as JUnit's XML, in the form that CI systems read. */
import type { TestResult } from "./run-tests.ts";

export function junitXml(results: readonly TestResult[]): string {
  const suites = Map.groupBy(results, ({ file }) => file);
  const failed = (of: readonly TestResult[]): number =>
    of.filter(({ failures }) => failures.length > 0).length;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="weft test" tests="${results.length}" failures="${failed(results)}" errors="0">`,
  ];
  for (const [file, own] of suites) {
    lines.push(
      `  <testsuite name="${attribute(file)}" tests="${own.length}" failures="${failed(own)}" errors="0" skipped="0">`,
    );
    for (const { name, line, failures } of own) {
      const head = `    <testcase name="${attribute(name)}" classname="${attribute(file)}" file="${attribute(file)}" line="${line}"`;
      if (failures.length === 0) {
        lines.push(`${head}/>`);
        continue;
      }
      const text = failures.map((failure) => `${file}:${failure.line}: ${failure.message}`).join("\n");
      lines.push(
        `${head}>`,
        `      <failure message="${attribute(failures[0]?.message ?? "")}">${content(text)}</failure>`,
        "    </testcase>",
      );
    }
    lines.push("  </testsuite>");
  }
  lines.push("</testsuites>");
  return `${lines.join("\n")}\n`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
  "\t": "&#9;",
};

function attribute(text: string): string {
  return clean(text).replace(/[&<>"\n\t]/g, (sign) => entities[sign] ?? sign);
}

function content(text: string): string {
  return clean(text).replace(/[&<>]/g, (sign) => entities[sign] ?? sign);
}

/** XML 1.0, section 2.2: these may not be in a document, not even as references. */
function clean(text: string): string {
  return (
    text
      .toWellFormed()
      .replaceAll("\r", "\n")
      // oxlint-disable-next-line no-control-regex -- those are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
  );
}
