/** Certificates that are revoked or expire, and clocks that are wrong. */
import { writeFileSync } from "node:fs";
import { eventually } from "../e2e/harness/eventually.ts";
import type { Workload } from "./chaos-mesh.ts";
import { killAllControls } from "./control-faults.ts";
import { askedOf, brokenOffAt, type Effect, type Fault, one, Span } from "./fault.ts";
import type { Means } from "./means.ts";
import { outboundPort, services } from "./shape.ts";

const effectTimeoutMs = 10_000;
/** Certificates live for a day. */
const pastTheEnd = "+25h";

/** Nobody carries anything for it; what others had under way at it breaks off once. */
function outcast(workload: Workload, cast: Span, breaking: Span): Effect {
  const [isOwn, isBroken] = [askedOf(workload, cast), brokenOffAt(workload, breaking)];
  return { hit: workload.place.name, explains: (answer) => isOwn(answer) || isBroken(answer) };
}

async function untilOutcast(workload: Workload, why: string): Promise<void> {
  await eventually(async () => {
    if (await isServed(workload)) throw new Error(`${workload.place.name} is served, and ${why}`);
  }, effectTimeoutMs);
}

async function isServed({ address, place }: Workload): Promise<boolean> {
  const url = `http://${address}:${outboundPort((place.service + 1) % services.length)}/`;
  const { status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return status === 200;
}

/** Nobody speaks to it until that is taken back. */
const revoked: Fault = {
  name: "proxy: its certificates revoked, then not",
  lastsMs: 3_000,
  async begin({ mesh, random }, healing) {
    const workload = one(mesh.workloads, random);
    const { client } = one(mesh.controls, random);
    const name = `default/${workload.place.name}`;
    const [cast, breaking] = [new Span(), new Span()];
    healing.defer(async () => {
      await client.changeRevocation({ action: "unrevoke", name, reason: "" });
      mesh.whenServing(workload, () => cast.end());
    });
    await client.changeRevocation({ action: "revoke", name, reason: "chaos" });
    await untilOutcast(workload, "revoked");
    breaking.end();
    return outcast(workload, cast, breaking);
  },
};

/** Its certificate is good for longer than that. */
function ahead({ faketime }: Means): Fault | string {
  if (faketime === undefined) return "clock faults need libfaketime";
  return {
    name: "proxy: its clock an hour ahead",
    lastsMs: 6_000,
    async begin({ mesh, random }, healing) {
      const workload = one(mesh.workloads, random);
      healing.defer(() => writeFileSync(workload.clockFile, "+0"));
      writeFileSync(workload.clockFile, "+1h");
      return { hit: workload.place.name };
    },
  };
}

/** With control planes that could renew it by a right clock, or with nobody. */
function expired({ faketime }: Means, isAlone: boolean): Fault | string {
  if (faketime === undefined) return "clock faults need libfaketime";
  return {
    name: isAlone
      ? "proxy: its certificate expires while all control planes are away"
      : "proxy: its clock past its certificate's end",
    lastsMs: 4_000,
    async begin({ mesh, random }, healing) {
      const workload = one(mesh.workloads, random);
      const [cast, breaking] = [new Span(), new Span()];
      healing.defer(() => {
        writeFileSync(workload.clockFile, "+0");
        mesh.whenServing(workload, () => cast.end());
      });
      if (isAlone) killAllControls(mesh.controls, (control) => mesh.restartControl(control), healing);
      writeFileSync(workload.clockFile, pastTheEnd);
      await untilOutcast(workload, "its certificate is past its end");
      breaking.end();
      return outcast(workload, cast, breaking);
    },
  };
}

export const trustFaults = (means: Means): readonly (Fault | string)[] => [
  revoked,
  ahead(means),
  expired(means, false),
  expired(means, true),
];
