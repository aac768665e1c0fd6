/** Proxies that die, start from what is on disk, or are asked for too much. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "../e2e/harness/child-process.ts";
import type { ChaosMesh, Workload } from "./chaos-mesh.ts";
import { killAllControls } from "./control-faults.ts";
import { askedOf, brokenOffAt, type Effect, type Fault, one, Span } from "./fault.ts";
import { outboundPort, services } from "./shape.ts";

const floodProgram = join(import.meta.dir, "flood.ts");
const floodStopMs = 20_000;
const damagedBytes = 20;

/** Until it serves again. */
function kill(workload: Workload, mesh: ChaosMesh, healing: AsyncDisposableStack): Required<Effect> {
  const down = new Span();
  const dying = Span.moment();
  healing.defer(async () => {
    mesh.restartWorkload(workload);
    await mesh.untilReady(workload.process);
    mesh.whenServing(workload, () => down.end());
  });
  workload.process.kill("SIGKILL");
  const [isOwn, isBroken] = [askedOf(workload, down), brokenOffAt(workload, dying)];
  return { hit: workload.place.name, explains: (answer) => isOwn(answer) || isBroken(answer) };
}

const killed: Fault = {
  name: "proxy: killed and started again",
  lastsMs: 1_000,
  async begin({ mesh, random }, healing) {
    return kill(one(mesh.workloads, random), mesh, healing);
  },
};

const corruptLastGood: Fault = {
  name: "proxy: killed, its last good configuration damaged",
  lastsMs: 500,
  async begin({ mesh, random }, healing) {
    const workload = one(mesh.workloads, random);
    const effect = kill(workload, mesh, healing);
    await workload.process.finished;
    const files = readdirSync(workload.dataDir).filter((name) => name.includes("last-good"));
    if (files.length === 0) throw new Error("it has no last good configuration");
    for (const name of files) damage(join(workload.dataDir, name), random);
    return { ...effect, hit: `${effect.hit}, ${files.length} file` };
  },
};

function damage(file: string, random: () => number): void {
  const bytes = readFileSync(file);
  for (let i = 0; i < damagedBytes; i++) {
    const at = Math.floor(random() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  }
  writeFileSync(file, bytes);
}

/** What was said to be in force is in force after a start from disk, with nobody to ask. */
const killedAsDenied: Fault = {
  name: "proxy: a service's killed as a denial is said to be everywhere, started with all control planes away",
  lastsMs: 4_000,
  async begin({ mesh, denials }, healing) {
    healing.defer(() => denials.release());
    const service = await denials.nextShut();
    const workloads = mesh.workloads.filter(({ place }) => place.service === service);
    const down = new Span();
    for (const { process: running } of workloads) running.kill("SIGKILL");
    killAllControls(mesh.controls, (control) => mesh.restartControl(control), healing);
    for (const workload of workloads) mesh.restartWorkload(workload);
    await Promise.all(workloads.map((workload) => mesh.untilReady(workload.process)));
    await Promise.all(workloads.map((workload) => mesh.untilServing(workload)));
    down.end();
    const isOwn = workloads.map((workload) => askedOf(workload, down));
    return {
      hit: `all of s${service}`,
      // None of its instances is there meanwhile, so whatever is asked of it then is asked in vain.
      explains: (answer) =>
        isOwn.some((is) => is(answer)) || (answer.target === service && down.covers(answer)),
    };
  },
};

const overloaded: Fault = {
  name: "proxy: overloaded by its own program (512 connections, each asking at once again)",
  lastsMs: 6_000,
  async begin({ mesh, random }, healing) {
    const workload = one(mesh.workloads, random);
    const url = `http://${workload.address}:${outboundPort((workload.place.service + 1) % services.length)}/`;
    const flooded = new Span();
    const flood = spawnProcess([process.execPath, floodProgram, url, "512"], {
      ...{ cwd: mesh.directory, env: process.env },
    });
    healing.defer(async () => {
      flood.kill("SIGTERM");
      await flood.within(floodStopMs);
      flooded.end();
    });
    // It is told so where its own bounds are reached; nobody else is.
    return { hit: workload.place.name, explains: askedOf(workload, flooded) };
  },
};

export const proxyFaults: readonly Fault[] = [killed, corruptLastGood, killedAsDenied, overloaded];
