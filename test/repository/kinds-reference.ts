/** The text of docs/reference/kinds/: a page for each kind of resource, from the schema that checks it. */
import { apiVersionOf, type KindName, kindNames, kinds } from "../../src/api/index.ts";
import { type FieldReference, fieldsOf } from "../../src/api/reference-fields.ts";
import { markdownTable } from "./markdown-table.ts";

const footer =
  "This page is written from the code; `WEFT_UPDATE_GOLDEN=1 npm run test:repository` writes it anew.";

export function fileOf(kind: KindName): string {
  return `${kinds[kind].singular}.md`;
}

export function kindPage(kind: KindName): string {
  const { description, namespaced, plural, singular, shortNames, printerColumns, hasStatus } = kinds[kind];
  const names = [plural, singular, ...shortNames].map((name) => `\`${name}\``).join(", ");
  const columns = printerColumns.map((column) => [
    `${column.name}${column.isWide ? " (`-o wide`)" : ""}`,
    column.description,
  ]);
  return [
    `# ${kind}`,
    "",
    description,
    "",
    `- \`apiVersion: ${apiVersionOf(kind)}\``,
    `- Names on the command line: ${names}`,
    namespaced ? "- Lives in a namespace." : "- Lives in no namespace.",
    ...(hasStatus ? ["- `status` is written by the server and by controllers only."] : []),
    "",
    "## Fields",
    "",
    "`[]` stands behind a list, `{}` behind a map. What is not required may be left out.",
    "",
    ...markdownTable(["Field", "Type", "Bounds and default", "Meaning"], fieldsOf(kind).map(fieldRow)),
    "",
    ...(columns.length === 0
      ? []
      : [`## Columns of \`weft get ${plural}\``, "", ...markdownTable(["Column", "Meaning"], columns), ""]),
    footer,
    "",
  ].join("\n");
}

function fieldRow({ path, type, isRequired, notes, description }: FieldReference): string[] {
  return [`\`${path}\``, type, [...(isRequired ? ["required"] : []), ...notes].join("; "), description];
}

export function kindsIndex(): string {
  const rows = kindNames.map((kind) => [
    `[${kind}](${fileOf(kind)})`,
    apiVersionOf(kind),
    kinds[kind].namespaced ? "namespace" : "cluster",
    kinds[kind].description,
  ]);
  return [
    "# Kinds of resources",
    "",
    "What an operator writes. `weft explain-kind KIND` prints the same in a terminal. How policies combine:",
    "[policies](../policies.md).",
    "",
    ...markdownTable(["Kind", "apiVersion", "Scope", "What it is"], rows),
    "",
    footer,
    "",
  ].join("\n");
}
