/** What goes wrong, how it heals, and which failures of requests it explains: most explain none. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../e2e/harness/eventually.ts";
import type { ChaosMesh, Control, Workload } from "./chaos-mesh.ts";
import { type Fault, ofCaller, one } from "./fault.ts";
import type { Means } from "./means.ts";
import { entry, generation, outboundPort, services } from "./shape.ts";
import type { Answer } from "./traffic.ts";
import { expiredAlone, fullDisk, revoked } from "./trust-faults.ts";

function signalFault(name: string, lastsMs: number, signal: NodeJS.Signals): Fault {
  return {
    name: `control plane: ${name}`,
    lastsMs,
    async begin({ mesh, random }) {
      const control = one(mesh.controls, random);
      control.process.kill(signal);
      return {
        hit: `control plane ${control.index}`,
        heal: () => (signal === "SIGSTOP" ? continued(control) : mesh.restartControl(control)),
      };
    },
  };
}

async function continued(control: Control): Promise<void> {
  control.process.kill("SIGCONT");
}

function lineFault(
  name: string,
  lastsMs: number,
  set: (control: Control, random: () => number) => void,
  heal: (control: Control) => void,
): Fault {
  return {
    name,
    lastsMs,
    async begin({ mesh, random }) {
      const control = one(mesh.controls, random);
      set(control, random);
      return {
        hit: `control plane ${control.index}`,
        async heal() {
          heal(control);
        },
      };
    },
  };
}

const whole = { kind: "whole" } as const;

const heal = {
  store: ({ storeLines }: Control): void => {
    for (const line of storeLines) line.mode = whole;
  },
  proxies: ({ proxyLine }: Control): void => {
    proxyLine.mode = whole;
  },
};

function etcdFault(name: string, lastsMs: number, signal: "SIGKILL" | "SIGSTOP", count: number): Fault {
  return {
    name: `etcd: ${name}`,
    lastsMs,
    async begin({ mesh, random }) {
      const first = Math.floor(random() * mesh.etcd.members.length);
      const members = Array.from(
        { length: count },
        (_, index) => mesh.etcd.members[(first + index) % mesh.etcd.members.length],
      );
      for (const member of members) member?.kill(signal);
      return {
        hit: `${count} of 3`,
        async heal() {
          for (const member of members) if (signal === "SIGSTOP") member?.kill("SIGCONT");
          // Members that were killed need each other to be healthy.
          if (signal === "SIGKILL") await Promise.all(members.map((member) => member?.restart()));
        },
      };
    },
  };
}

const corruptLastGood: Fault = {
  name: "proxy: killed, its last good configuration damaged",
  lastsMs: 500,
  async begin({ mesh, random }) {
    const workload = one(mesh.workloads, random);
    workload.process.kill("SIGKILL");
    await workload.process.finished;
    const files = readdirSync(workload.dataDir).filter((name) => /last-good/.test(name));
    for (const name of files) {
      const file = join(workload.dataDir, name);
      const bytes = readFileSync(file);
      for (let i = 0; i < 20 && bytes.length > 0; i++) {
        const at = Math.floor(random() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      }
      writeFileSync(file, bytes);
    }
    return {
      hit: `${workload.place.name}, ${files.length} files`,
      explains: ofCaller(workload),
      async heal() {
        mesh.restartWorkload(workload);
        await mesh.untilReady(workload.process);
        await mesh.untilServing(workload);
      },
    };
  },
};

function clockFault(name: string, offset: string, explainsCaller: boolean): Fault {
  return {
    name: `proxy: ${name}`,
    lastsMs: 6_000,
    async begin({ mesh, random }) {
      const workload = one(mesh.workloads, random);
      writeFileSync(workload.clockFile, offset);
      return {
        hit: workload.place.name,
        ...(explainsCaller ? { explains: ofCaller(workload) } : {}),
        async heal() {
          writeFileSync(workload.clockFile, "+0");
        },
      };
    },
  };
}

const overloaded: Fault = {
  name: "proxy: overloaded by one caller",
  lastsMs: 5_000,
  async begin({ mesh, random }) {
    const workload = one(mesh.workloads, random);
    const target = (workload.place.service + 1) % services.length;
    const url = `http://${workload.address}:${outboundPort(target)}/`;
    const end = new AbortController();
    const flood = Promise.all(
      Array.from({ length: 64 }, async () => {
        for (let i = 0; i < 2_000 && !end.signal.aborted; i++) {
          await fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
            (response) => response.arrayBuffer(),
            () => undefined,
          );
        }
      }),
    );
    return {
      hit: workload.place.name,
      // It is told so where its own bounds are reached; nobody else is.
      explains: ofCaller(workload),
      async heal() {
        end.abort();
        await flood;
      },
    };
  },
};

const floodOfApplies: Fault = {
  name: "API: a flood of applies",
  lastsMs: 0,
  async begin({ ledger }) {
    const flood = Promise.all(
      Array.from({ length: 20 }, async () => {
        for (let i = 0; i < 15; i++) await ledger.write();
      }),
    );
    return {
      hit: "300 applies, 20 at a time",
      async heal() {
        await flood;
      },
    };
  },
};

const brokenObjects: Fault = {
  name: "API: objects that cannot compile, and what is no object at all",
  lastsMs: 1_000,
  async begin({ mesh, random }) {
    const { client } = one(mesh.controls, random);
    const policy = {
      apiVersion: "weft.dev/v1alpha1",
      kind: "AuthorizationPolicy",
      metadata: { name: "broken", namespace: "default" },
      spec: {
        selector: { matchLabels: { app: "nobody-has-this" } },
        action: "Deny",
        rules: [{ when: [{ expression: "request.path.nothing(" }] }],
      },
    };
    const refused = await Promise.allSettled([
      client.transact({ message: "broken", objects: [policy] }),
      client.transact({ message: "bad", objects: [{ ...entry(1), unknown: true }] }),
      client.transact({ message: "bad", objects: [{ kind: "Nothing" }, 5, null] }),
      client.transact({ message: "bad", objects: [{ ...generation(1)[0], spec: "no" }] }),
    ]);
    const count = refused.filter(({ status }) => status === "rejected").length;
    if (count < 3) throw new Error(`only ${count} of 4 were refused`);
    return {
      hit: `${count} of 4 refused`,
      async heal() {
        await client
          .transact({
            message: "away with it",
            deletions: [{ kind: "AuthorizationPolicy", namespace: "default", name: "broken" }],
          })
          .catch(() => undefined);
      },
    };
  },
};

const all: readonly (Fault | ((means: Means) => Fault | string))[] = [
  signalFault("killed", 3_000, "SIGKILL"),
  signalFault("stopped for 12 s", 12_000, "SIGSTOP"),
  signalFault("drained", 1_000, "SIGTERM"),
  {
    name: "control plane: all three killed",
    lastsMs: 3_000,
    async begin({ mesh }) {
      for (const { process: running } of mesh.controls) running.kill("SIGKILL");
      return {
        hit: "all",
        async heal() {
          await Promise.all(mesh.controls.map((control) => mesh.restartControl(control)));
        },
      };
    },
  },
  lineFault(
    "control plane: cut off from etcd",
    8_000,
    ({ storeLines }) => {
      for (const line of storeLines) line.mode = { kind: "cut" };
    },
    heal.store,
  ),
  lineFault(
    "control plane: etcd silent behind a partition",
    12_000,
    ({ storeLines }) => {
      for (const line of storeLines) line.mode = { kind: "silent" };
    },
    heal.store,
  ),
  lineFault(
    "control plane: etcd slow (200 ms each way)",
    8_000,
    ({ storeLines }) => {
      for (const line of storeLines) line.mode = { kind: "slow", delayMs: 200 };
    },
    heal.store,
  ),
  lineFault(
    "control plane: proxies cut off from it",
    5_000,
    (control) => {
      control.proxyLine.mode = { kind: "cut" };
    },
    heal.proxies,
  ),
  lineFault(
    "control plane: proxies' streams silent",
    12_000,
    (control) => {
      control.proxyLine.mode = { kind: "silent" };
    },
    heal.proxies,
  ),
  lineFault(
    "control plane: pushes damaged on their way",
    5_000,
    (control, random) => {
      control.proxyLine.mode = { kind: "damaged", oneOf: 3, random };
    },
    heal.proxies,
  ),
  etcdFault("one member killed", 4_000, "SIGKILL", 1),
  etcdFault("the majority stopped, and regained", 8_000, "SIGSTOP", 2),
  etcdFault("the majority killed, and regained", 5_000, "SIGKILL", 2),
  {
    name: "proxy: killed and started again",
    lastsMs: 1_000,
    async begin({ mesh, random }) {
      const workload = one(mesh.workloads, random);
      workload.process.kill("SIGKILL");
      return {
        hit: workload.place.name,
        explains: (answer) => ofCaller(workload)(answer) || inFlightAt(workload, answer),
        async heal() {
          mesh.restartWorkload(workload);
          await mesh.untilReady(workload.process);
          await mesh.untilServing(workload);
        },
      };
    },
  },
  corruptLastGood,
  overloaded,
  floodOfApplies,
  brokenObjects,
  fullDisk,
  revoked,
  expiredAlone,
  ({ faketime }) =>
    faketime === undefined
      ? "clock faults need libfaketime"
      : clockFault("its clock an hour ahead", "+1h", false),
  ({ faketime }) =>
    faketime === undefined
      ? "clock faults need libfaketime"
      : clockFault("its clock past its certificate's end", "+25h", true),
];

/** What was under way at a process that is killed may be lost: nobody can know whether it was done. */
function inFlightAt(workload: Workload, { target, status }: Answer): boolean {
  return target === workload.place.service && status === 502;
}

export function faultsFor(means: Means): {
  readonly faults: readonly Fault[];
  readonly skipped: readonly string[];
} {
  const faults: Fault[] = [];
  const skipped = new Set<string>();
  for (const each of all) {
    const fault = typeof each === "function" ? each(means) : each;
    if (typeof fault === "string") skipped.add(fault);
    else faults.push(fault);
  }
  return { faults, skipped: [...skipped] };
}

/** Waits until somebody takes the write; gives when that was. */
export async function advance(mesh: ChaosMesh, number: number, timeoutMs: number): Promise<void> {
  let turn = 0;
  await eventually(async () => {
    const control = mesh.controls[turn++ % mesh.controls.length];
    await control?.client.transact({ message: `generation ${number}`, objects: generation(number) });
  }, timeoutMs);
}
