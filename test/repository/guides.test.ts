/** The files that guides show can be used as they stand: they parse, are valid, and compile without a complaint. */
import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import {
  type ApiObject,
  keyOf,
  keyText,
  parseDocument,
  parseObject,
  parseYamlDocuments,
} from "../../src/api/index.ts";
import { shopPair } from "../../src/compile/test/certificates.ts";
import { issueLine } from "../../src/kernel/index.ts";
import { baseObjects, readMeshFiles } from "../../src/local/index.ts";
import { admitObjects } from "../../src/standalone/admission.ts";
import { FileConfiguration } from "../../src/standalone/file-configuration.ts";
import type { SourceObject } from "../../src/standalone/source-object.ts";
import { statusProblems } from "../../src/standalone/status-problems.ts";
import { filesUnder } from "./source-files.ts";

const guides = filesUnder("docs/guides", ".md").map(({ path, text }) => ({
  name: path.split("/").at(-1) ?? "",
  text,
  blocks: yamlBlocks(text),
}));
const pages = guides.filter(({ blocks }) => blocks.length > 0);

/** Shows parts of files, about destinations that stand in none of them. */
const inParts: ReadonlySet<string> = new Set(["egress.md", "first-hour.md"]);

/** What the page has its reader make. */
const madeByReader = new Map([
  [
    "https-gateways.md",
    JSON.stringify({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "shop-tls" },
      type: "kubernetes.io/tls",
      stringData: { "tls.crt": shopPair.certificate, "tls.key": shopPair.key },
    }),
  ],
  [
    "observability.md",
    JSON.stringify({
      apiVersion: "local.weft.dev/v1alpha1",
      kind: "Program",
      metadata: { name: "otel" },
      spec: {
        service: "otel",
        command: ["otelcol", "--config", "collector.yaml"],
        ports: [
          { port: 4317, protocol: "grpc" },
          { port: 4318, protocol: "http" },
        ],
      },
    }),
  ],
]);

const issuersKeys = JSON.stringify({
  keys: [generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" })],
});

test("there are guides, and the index leads to all of them", () => {
  const index = guides.find(({ name }) => name === "README.md")?.text ?? "";
  expect(pages.length).toBeGreaterThan(10);
  expect(pages.filter(({ name }) => !index.includes(`](${name})`)).map(({ name }) => name)).toEqual([]);
});

test.each(pages)("what $name shows is valid", ({ name, blocks }) => {
  for (const block of blocks) expect(read(whole(block, blocks[0] ?? ""), name).issues).toEqual([]);
});

const complete = pages.filter(({ name }) => !inParts.has(name));

test.each(complete)(
  "what $name shows compiles: its first file, and each further one laid over it",
  (page) => {
    const [first = "", ...others] = page.blocks;
    const file = [first, madeByReader.get(page.name) ?? ""].join("\n---\n");
    const configuration = new FileConfiguration();
    expect(problemsOf(configuration, objectsOf([file], page.name))).toEqual([]);
    for (const other of others) {
      expect(problemsOf(configuration, objectsOf([file, other], page.name))).toEqual([]);
    }
  },
);

test("a complaint is seen", () => {
  const text = pages.find(({ name }) => name === "canary.md")?.blocks[0] ?? "";
  const misspelt = text.replace("name: web-v2, port", "name: web-v9, port");
  const problems = problemsOf(new FileConfiguration(), objectsOf([misspelt], "canary.md"));
  expect(problems.join("\n")).toContain("Service default/web-v9 does not exist");
});

function yamlBlocks(text: string): string[] {
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
}

/** A block that begins with `spec` says what is different from the page's first. */
function whole(block: string, first: string): string {
  return block.startsWith("spec:") ? `${first.slice(0, first.indexOf("\nspec:") + 1)}${block}` : block;
}

function read(text: string, name: string) {
  const { documents, issues } = parseYamlDocuments(text, name);
  const files = readMeshFiles(documents);
  const problems = [...issues, ...files.issues].map(issueLine);
  const sources: SourceObject[] = [];
  for (const source of files.others) {
    const parsed = parseDocument(source, "write");
    if ("object" in parsed) sources.push({ object: parsed.object, source });
    else problems.push(...parsed.issues.map(issueLine));
  }
  return { sources, programs: files.programs, issues: problems };
}

/** As `weft serve` takes them, or `weft up` where there are programs. Of one object in several files the last counts. */
function objectsOf(texts: readonly string[], name: string): readonly ApiObject[] {
  const files = texts.map((text) => read(text, name));
  const byKey = new Map(
    files.flatMap(({ sources }) => sources).map((each) => [keyText(keyOf(each.object)), each]),
  );
  const sources = [...byKey.values()];
  const programs = files.flatMap((file) => file.programs);
  if (programs.length === 0) return admitObjects(sources);
  const made = baseObjects(programs, () => false, "guides").map((object) => {
    const parsed = parseObject(object, "write");
    if ("issues" in parsed) throw new Error(parsed.issues.map(issueLine).join("\n"));
    return parsed.object;
  });
  return [...made, ...sources.map(({ object }) => object)];
}

/** Issuers' keys are there, as they are a moment after the start. */
function problemsOf(configuration: FileConfiguration, objects: readonly ApiObject[]): string[] {
  const first = configuration.apply(objects);
  const wanted = [...configuration.wantedJwks];
  const keySets = wanted.map((uri) => ({ uri, document: issuersKeys, error: undefined }));
  const { statuses, defects } =
    wanted.length === 0 ? first : configuration.apply(objects, undefined, keySets);
  return [...statuses.flatMap(statusProblems), ...first.defects, ...defects];
}
