/** Faults of certificates and disks. */
import { writeFileSync } from "node:fs";
import { eventually } from "../e2e/harness/eventually.ts";
import type { Workload } from "./chaos-mesh.ts";
import { type Fault, ofBothSides, one } from "./fault.ts";
import type { Means } from "./means.ts";
import { outboundPort, services } from "./shape.ts";

const effectTimeoutMs = 10_000;

/** Of one control plane: it may refuse writes, and loses none that it took. */
export function fullDisk({ smallDiskRefusal }: Means): Fault | string {
  if (smallDiskRefusal !== undefined) return `the full disk: ${smallDiskRefusal}`;
  return {
    name: "control plane: the disk of its data directory is full",
    lastsMs: 6_000,
    async begin({ mesh }) {
      const { disk } = mesh;
      if (disk === undefined) throw new Error("no control plane has a small disk");
      disk.fill();
      return {
        hit: "control plane 0",
        async heal() {
          disk.free();
        },
      };
    },
  };
}

/** Nobody speaks to it until that is taken back. */
export const revoked: Fault = {
  name: "proxy: its certificates revoked, then not",
  lastsMs: 3_000,
  async begin({ mesh, random }) {
    const workload = one(mesh.workloads, random);
    const { client } = one(mesh.controls, random);
    const name = `default/${workload.place.name}`;
    await client.changeRevocation({ action: "revoke", name, reason: "chaos" });
    await eventually(async () => {
      if (await isServed(workload)) throw new Error(`${name} is revoked and yet served`);
    }, effectTimeoutMs);
    return {
      hit: workload.place.name,
      explains: ofBothSides(workload),
      async heal() {
        await client.changeRevocation({ action: "unrevoke", name, reason: "" });
      },
    };
  },
};

/** With nobody who could renew it. */
export function expiredAlone({ faketime }: Means): Fault | string {
  if (faketime === undefined) return "clock faults need libfaketime";
  return {
    name: "proxy: its certificate expires while all control planes are away",
    lastsMs: 4_000,
    async begin({ mesh, random }) {
      const workload = one(mesh.workloads, random);
      for (const { process: running } of mesh.controls) running.kill("SIGKILL");
      writeFileSync(workload.clockFile, "+25h");
      await eventually(async () => {
        if (await isServed(workload))
          throw new Error(`${workload.place.name} is served with an expired certificate`);
      }, effectTimeoutMs);
      return {
        hit: workload.place.name,
        explains: ofBothSides(workload),
        async heal() {
          await Promise.all(mesh.controls.map((control) => mesh.restartControl(control)));
          writeFileSync(workload.clockFile, "+0");
        },
      };
    },
  };
}

async function isServed({ address, place }: Workload): Promise<boolean> {
  const url = `http://${address}:${outboundPort((place.service + 1) % services.length)}/`;
  const { status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return status === 200;
}
