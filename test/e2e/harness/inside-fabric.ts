/** Reaches what only stands inside a mesh: the addresses of workloads, past their sidecars' capture, as an outsider in there would. */
import { type Finished, spawnProcess } from "./child-process.ts";
import { readInstance } from "./mesh-processes.ts";
import { root, type TestMesh } from "./mesh.ts";

/** The start of a command line that runs in the fabric's network; nothing where that is the machine's own. */
export function insideFabric(mesh: TestMesh): readonly string[] {
  const { inner } = readInstance(mesh);
  if (inner === undefined) return [];
  const user = mesh.ready.isolation === "userns" ? ["--user", "--preserve-credentials"] : [];
  return ["nsenter", "--target", String(inner.pid), ...user, "--net", "--"];
}

export function curlInside(mesh: TestMesh, ...args: readonly string[]): Promise<Finished> {
  const argv = [...insideFabric(mesh), "curl", "--silent", "--show-error", "--max-time", "10", ...args];
  return spawnProcess(argv, { env: mesh.env, cwd: root }).finished;
}

interface WorkloadList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly namespace: string };
    readonly spec: {
      readonly addresses: readonly string[];
      readonly tunnel?: { readonly address?: string; readonly port?: number };
    };
  }[];
}

export interface WorkloadPlace {
  /** Where the program listens. */
  readonly address: string;
  /** Where the sidecar listens for its peers, and for operators. */
  readonly sidecar: string;
}

export async function workloadPlace(mesh: TestMesh, name: string): Promise<WorkloadPlace> {
  const { items } = await mesh.weftJson<WorkloadList>("get", "meshworkloads", "-A");
  const found = items.find(({ metadata }) => metadata.name === name);
  const address = found?.spec.addresses[0];
  if (found === undefined || address === undefined) throw new Error(`no workload ${name}`);
  const tunnel = found.spec.tunnel?.address ?? "";
  return { address, sidecar: tunnel === "" ? address : tunnel };
}

/** The sum of all series of this metric that have all of these labels. */
export async function readMetric(
  mesh: TestMesh,
  sidecar: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<number> {
  const { code, stdout, stderr } = await curlInside(mesh, `http://${sidecar}:15020/metrics`);
  if (code !== 0) throw new Error(`the metrics of ${sidecar} cannot be read: ${stderr}`);
  if (!stdout.includes(`# TYPE ${name} `)) throw new Error(`${sidecar} has no metric ${name}`);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return stdout
    .split("\n")
    .filter((line) => line.split(/[{ ]/, 1)[0] === name && wanted.every((text) => line.includes(text)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}
