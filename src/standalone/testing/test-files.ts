/** A folder of resources for tests, read as the command line reads it, and an HTTP server behind them. */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument, parseYamlDocuments } from "../../api/index.ts";
import { type Issue, WeftError } from "../../kernel/index.ts";
import type { FileSource, SourceObject } from "../source-object.ts";

export class TestFiles implements FileSource, Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "weft-files-")));
  readonly paths = [this.path];

  readonly list = (): readonly string[] =>
    readdirSync(this.path)
      .filter((name) => name.endsWith(".yaml"))
      .toSorted()
      .map((name) => join(this.path, name));

  async read(): Promise<readonly SourceObject[]> {
    return this.list().flatMap((file) => parseSource(readFileSync(file, "utf8"), file));
  }

  write(name: string, ...objects: readonly object[]): void {
    writeFileSync(join(this.path, name), yaml(objects));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function yaml(objects: readonly object[]): string {
  return objects.map((object) => JSON.stringify(object, undefined, 1)).join("\n---\n");
}

/** Throws `bad_input` with every issue. */
export function parseSource(text: string, file: string): SourceObject[] {
  const { documents, issues } = parseYamlDocuments(text, file);
  const problems: Issue[] = [...issues];
  const sources = documents.flatMap((source) => {
    const parsed = parseDocument(source, "write");
    if ("object" in parsed) return [{ object: parsed.object, source }];
    problems.push(...parsed.issues);
    return [];
  });
  if (problems.length > 0) throw new WeftError("bad_input", "problems in the files", { issues: problems });
  return sources;
}

export function gateway(port: number, name = "door"): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name },
    spec: { gatewayClassName: "weft", listeners: [{ name: "http", port, protocol: "HTTP" }] },
  };
}

export function route(name: string, service: string, parent = "door"): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: { parentRefs: [{ name: parent }], rules: [{ backendRefs: [{ name: service, port: 80 }] }] },
  };
}

/** A Service with one endpoint for each port, all on this machine. */
export function service(name: string, ...ports: readonly number[]): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ port: 80, appProtocol: "http" }] },
    },
    ...ports.map((port, index) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-${index}`, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"] }],
      ports: [{ port }],
    })),
  ];
}
