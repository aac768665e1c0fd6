/** A mesh that is nowhere but in files: their objects with what a server would add, programs as the workloads that they become. */
import {
  type ApiObject,
  isKindName,
  keyOf,
  keyText,
  namespaceOf,
  parseObject,
  type SourceDocument,
  type Stored,
  storedOf,
  weftControllerName,
  weftGatewayClassName,
} from "../api/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";
import { baseObjects, type Program, readMeshFiles } from "../local/index.ts";
import { addressed } from "../simulate/index.ts";
import { checkDocuments } from "./check-documents.ts";
import { readFiles, refuse } from "./read-files.ts";

export interface OfflineMesh {
  /** The files' own, and what they leave out. */
  readonly objects: readonly Stored[];
  /** The files' own, and those that their programs become. */
  readonly own: readonly ApiObject[];
  /** Where each object of the files stands, by `keyText`. */
  readonly sources: ReadonlyMap<string, SourceDocument>;
}

/** For decisions by identity: offline there is no mesh whose domain it could be. */
export const offlineTrustDomain = "offline.weft";

const implied: readonly unknown[] = [
  { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "mesh" }, spec: {} },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name: weftGatewayClassName },
    spec: { controllerName: weftControllerName },
  },
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
];

/** Throws `bad_input` with every issue. */
export async function readOfflineMesh(paths: readonly string[], namespace: string): Promise<OfflineMesh> {
  const { programs, others, issues } = readMeshFiles(await readFiles(paths));
  refuse(issues);
  const { objects } = checkDocuments(others, namespace);
  const sources = new Map<string, SourceDocument>();
  const repeated: Issue[] = [];
  for (const [index, object] of objects.entries()) {
    const document = others[index];
    if (document === undefined) continue;
    const key = keyText(keyOf(object));
    const before = sources.get(key);
    if (before !== undefined) {
      const message = `${key} is already in ${before.file}:${before.line}`;
      repeated.push({ path: "metadata.name", message, file: document.file, line: document.line });
    }
    sources.set(key, document);
  }
  refuse(repeated);
  const made = programs.length === 0 ? [] : programObjects(programs, sources);
  const all = [...objects, ...made.map(parseOwn)];
  const known = new Set(all.map((object) => keyText(keyOf(object))));
  const namespaces = [...new Set(all.map(namespaceOf).filter((name) => name !== ""))];
  const left = [
    ...implied,
    ...namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
  ]
    .map(parseOwn)
    .filter((object) => {
      const key = keyText(keyOf(object));
      if (known.has(key)) return false;
      known.add(key);
      return true;
    });
  return { objects: addressed([...left, ...all].map((object) => storedOf(object, 1))), own: all, sources };
}

function programObjects(programs: readonly Program[], sources: ReadonlyMap<string, unknown>): unknown[] {
  const isDescribed = (kind: string, namespace: string, name: string): boolean =>
    isKindName(kind) && sources.has(keyText({ kind, namespace, name }));
  const workloads = programs.map((program, index) => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: {
      namespace: program.namespace,
      name: program.name,
      labels: { app: program.service, ...program.labels },
    },
    spec: {
      serviceAccount: program.serviceAccount,
      addresses: [`10.244.${Math.floor(index / 250)}.${(index % 250) + 1}`],
      ports: program.ports.map(({ port, name, protocol }) => ({
        port,
        name,
        ...(protocol === "" ? {} : { protocol }),
      })),
      ...(program.locality === undefined ? {} : { locality: program.locality }),
    },
  }));
  return [...baseObjects(programs, isDescribed, "offline"), ...workloads];
}

function parseOwn(input: unknown): ApiObject {
  const parsed = parseObject(input, "write");
  if ("object" in parsed) return parsed.object;
  throw new WeftError("bad_input", "a program cannot be read as a workload", { issues: parsed.issues });
}
