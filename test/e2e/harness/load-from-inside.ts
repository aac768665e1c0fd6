/** The load generator as a workload of the mesh, so that its requests pass a sidecar of their own. */
import { join } from "node:path";
import type { TestMesh } from "./mesh.ts";
import type { Sample } from "./open-loop-load.ts";

const startTimeoutMs = 20_000;
const stopTimeoutMs = 30_000;

export interface InsideLoad {
  stop(): Promise<readonly Sample[]>;
}

/** To the service `web`; resolves when the first request is due. */
export async function loadFromInside(
  mesh: TestMesh,
  name: string,
  requestsPerSecond: number,
): Promise<InsideLoad> {
  const run = mesh.run({
    service: name,
    name,
    upstreams: ["web:9080"],
    command: [process.execPath, join(import.meta.dir, "open-loop-load.ts"), "", String(requestsPerSecond)],
  });
  await run.untilLine("stderr", startTimeoutMs, (line) => line === "load has started" || undefined);
  return {
    stop: async () => {
      run.kill("SIGTERM");
      const { code, stdout, stderr } = await run.within(stopTimeoutMs);
      if (code !== 0) throw new Error(`the load generator exited with ${code}: ${stderr}`);
      return JSON.parse(stdout);
    },
  };
}
