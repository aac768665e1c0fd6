/** Writes the mesh into a control plane's store while it is stopped: fifty thousand workloads come to be in seconds, with no status yet. */
import { join } from "node:path";
import type { ApiObject } from "../../src/api/index.ts";
import { silentLog, systemClock } from "../../src/kernel/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { type MeshShape, meshConfigObject, namespaceObjects, serviceObject, workloadObject } from "./mesh.ts";

/** Objects in one transaction. */
const maxBatch = 2_000;

export async function seedMesh(dataDir: string, shape: MeshShape): Promise<void> {
  const store = openSqliteStore({ path: join(dataDir, "store.sqlite"), clock: systemClock, log: silentLog });
  try {
    await inBatches([meshConfigObject(), ...namespaceObjects(shape)], (writes) => store.commit(writes, meta));
    const services = Array.from({ length: shape.services }, (_, service) => service);
    await inBatches(services.map(serviceObject), (writes) => store.commit(writes, meta));
    const workloads = services.flatMap((service) =>
      Array.from({ length: shape.endpointsPerService }, (_, replica) =>
        workloadObject(shape, service, replica),
      ),
    );
    await inBatches(workloads, (writes) => store.writeOperational(writes));
  } finally {
    store.close();
  }
}

const meta = { author: "bench", message: "the bench's mesh" };

interface Put {
  readonly type: "put";
  readonly object: ApiObject;
}

async function inBatches(
  objects: readonly ApiObject[],
  write: (writes: readonly Put[]) => Promise<unknown>,
): Promise<void> {
  for (let first = 0; first < objects.length; first += maxBatch) {
    await write(objects.slice(first, first + maxBatch).map((each) => ({ type: "put", object: each })));
  }
}
