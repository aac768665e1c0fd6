/** A small mesh from YAML, for tests of this room and of those that ask it. */
import { impliedObjects, parseDocument, parseYamlDocuments, type Stored, storedOf } from "../api/index.ts";
import { keyOf, keyText } from "../api/index.ts";
import type { ObjectOrigin, SimulationInput } from "./input.ts";
import { SimulatedMesh } from "./simulated-mesh.ts";

/** 2026-01-01. */
const testNowMs = Date.UTC(2026, 0, 1);

export function readObjects(
  yaml: string,
  file = "mesh.yaml",
): { objects: Stored[]; origins: Map<string, ObjectOrigin> } {
  const { documents, issues } = parseYamlDocuments(yaml, file);
  if (issues.length > 0) throw new Error(JSON.stringify(issues));
  const origins = new Map<string, ObjectOrigin>();
  const objects = documents.map((document) => {
    const parsed = parseDocument(document, "write");
    if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
    origins.set(keyText(keyOf(parsed.object)), { file, lineOf: (path) => document.lineOf(path) });
    return storedOf(parsed.object, 1);
  });
  const implied = impliedObjects(objects).map((object) => storedOf(object, 1));
  return { objects: [...implied, ...objects], origins };
}

export function testMesh(yaml: string, options: Partial<SimulationInput> = {}): SimulatedMesh {
  const { objects, origins } = readObjects(yaml);
  return SimulatedMesh.of({
    objects,
    trustDomain: "test.example",
    nowMs: testNowMs,
    originOf: (key) => origins.get(keyText(key)),
    ...options,
  });
}

interface WorkloadOptions {
  readonly address: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
  readonly serviceAccount?: string;
}

/** One document. */
export function workload(name: string, options: WorkloadOptions): string {
  const { address, labels = { app: name }, ports = [], serviceAccount = name } = options;
  return JSON.stringify({
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { name, labels },
    spec: { serviceAccount, addresses: [address], ports },
  });
}

export function service(
  name: string,
  port: number,
  options: { readonly protocol?: string; readonly selector?: object } = {},
): string {
  const { protocol = "http", selector = { app: name } } = options;
  const appProtocol = protocol === "" ? {} : { appProtocol: protocol };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector, ports: [{ name: "main", port, protocol: "TCP", ...appProtocol }] },
  });
}

export function documents(...parts: readonly string[]): string {
  return parts.join("\n---\n");
}
