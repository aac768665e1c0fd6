/** The parts of docs/reference/authorization-decisions.md that are written from the code: attributes, and readings of example paths. */
import { readPath } from "../../src/decide/admission/path-readings.ts";
import { attributes } from "../../src/model/index.ts";
import { markdownTable } from "./markdown-table.ts";

const examples = [
  "/a/b",
  "//a/./b",
  "/x/%2E%2e/%61/b",
  "/a/b%2f..%2Fc",
  "/a\\b",
  "/a/..;v=1/b",
  "/a//../b",
  "/a%2fb;c%2fd",
  "/a/%252e",
  "/a%00",
  "/a%",
];

const parts: Readonly<Record<string, () => string[]>> = {
  attributes: attributeTable,
  readings: readingTable,
};

/** The page with its parts written anew. */
export function authorizationDecisions(page: string): string {
  return page.replace(
    /(<!-- written from the code: (\w+) -->\n)[^]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) =>
      `${begin}\n${parts[name]?.().join("\n") ?? "there is no such part"}\n\n${end}`,
  );
}

/** Every part must have its place. */
export function partsOf(page: string): string[] {
  return Array.from(
    page.matchAll(/<!-- written from the code: (\w+) -->/g),
    ([, name = ""]) => name,
  ).toSorted();
}

export const partNames = Object.keys(parts).toSorted();

function attributeTable(): string[] {
  const rows = attributes.map(({ name, type, meaning, needsHttp, needsClaims }) => [
    `\`${name}${type === "map of text" ? "[…]" : type === "any" ? "[…][…]" : ""}\``,
    type,
    meaning,
    needsClaims ? "a request with a valid token" : needsHttp ? "a request" : "",
  ]);
  return markdownTable(["Attribute", "Type", "What it is", "Needs"], rows);
}

function readingTable(): string[] {
  const rows = examples.map((path) => {
    const readings = readPath(path);
    const texts = readings === undefined ? [] : [readings.normal, ...readings.others];
    return [`\`${path}\``, texts.map((text) => `\`${text}\``).join(", ") || "cannot be read"];
  });
  return markdownTable(["Path", "Readings"], rows);
}
