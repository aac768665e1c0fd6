/** The reference of a kind as text for a terminal. */
import { apiVersionOf, type KindName, kinds } from "./kinds.ts";
import { type FieldReference, fieldsOf } from "./reference-fields.ts";

const indentWidth = 2;
const maxWidth = 100;

export function referenceText(kind: KindName): string {
  const definition = kinds[kind];
  const lines = [
    `KIND:     ${kind}`,
    `VERSION:  ${apiVersionOf(kind)}`,
    `NAMES:    ${[definition.plural, definition.singular, ...definition.shortNames].join(", ")}`,
    `SCOPE:    ${definition.namespaced ? "namespace" : "cluster"}`,
    "",
    ...wrap(definition.description, 0),
    "",
    "FIELDS:",
    ...fieldsOf(kind).flatMap(fieldLines),
  ];
  return `${lines.join("\n")}\n`;
}

function fieldLines({ name, depth, type, isRequired, notes, description }: FieldReference): string[] {
  const indent = " ".repeat((depth + 1) * indentWidth);
  const bounds = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  return [
    `${indent}${name} <${type}>${isRequired ? " required" : ""}${bounds}`,
    ...wrap(description, depth + 3),
  ];
}

function wrap(text: string, depth: number): string[] {
  const indent = " ".repeat(depth * indentWidth);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > maxWidth) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, indent + line];
}
