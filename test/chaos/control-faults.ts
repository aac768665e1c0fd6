/** Control planes that die, stand still or drain, and lines to them and behind them that break. None of it explains a failed request. */
import type { Control } from "./chaos-mesh.ts";
import type { Mode } from "./cut-line.ts";
import { type Chaos, type Fault, one } from "./fault.ts";

/** Proxies ask a silent stream after 15 s, control planes after 30 s: both have given up by then. */
export const silenceMs = 40_000;
const whole: Mode = { kind: "whole" };

function controlFault(
  name: string,
  lastsMs: number,
  harm: (control: Control, chaos: Chaos, healing: AsyncDisposableStack) => void,
): Fault {
  return {
    name: `control plane: ${name}`,
    lastsMs,
    async begin(chaos, healing) {
      const control = one(chaos.mesh.controls, chaos.random);
      harm(control, chaos, healing);
      return { hit: `control plane ${control.index}` };
    },
  };
}

/** Ends it, and starts it again when it heals. */
function ended(name: string, lastsMs: number, signal: "SIGKILL" | "SIGTERM"): Fault {
  return controlFault(name, lastsMs, (control, { mesh }, healing) => {
    healing.defer(() => mesh.restartControl(control));
    control.process.kill(signal);
  });
}

function brokenLine(
  name: string,
  lastsMs: number,
  which: "store" | "proxies",
  modeOf: (random: () => number) => Mode,
): Fault {
  return controlFault(name, lastsMs, ({ storeLines, proxyLine }, { random }, healing) => {
    const lines = which === "store" ? storeLines : [proxyLine];
    healing.defer(() => {
      for (const line of lines) line.mode = whole;
    });
    const mode = modeOf(random);
    for (const line of lines) line.mode = mode;
  });
}

const allKilled: Fault = {
  name: "control plane: all three killed",
  lastsMs: 3_000,
  async begin({ mesh }, healing) {
    killAllControls(mesh.controls, (control) => mesh.restartControl(control), healing);
    return { hit: "all" };
  },
};

export function killAllControls(
  controls: readonly Control[],
  restart: (control: Control) => Promise<void>,
  healing: AsyncDisposableStack,
): void {
  healing.defer(async () => void (await Promise.all(controls.map(restart))));
  for (const { process: running } of controls) running.kill("SIGKILL");
}

export const controlFaults: readonly Fault[] = [
  ended("killed", 3_000, "SIGKILL"),
  ended("drained", 1_000, "SIGTERM"),
  allKilled,
  controlFault("stopped for 40 s", silenceMs, ({ process: running }, _, healing) => {
    healing.defer(() => running.kill("SIGCONT"));
    running.kill("SIGSTOP");
  }),
  brokenLine("cut off from etcd", 8_000, "store", () => ({ kind: "cut" })),
  brokenLine("etcd silent behind a partition", silenceMs, "store", () => ({ kind: "silent" })),
  brokenLine("etcd slow (200 ms each way)", 8_000, "store", () => ({ kind: "slow", delayMs: 200 })),
  brokenLine("proxies cut off from it", 5_000, "proxies", () => ({ kind: "cut" })),
  brokenLine("proxies' streams silent", silenceMs, "proxies", () => ({ kind: "silent" })),
  brokenLine("pushes damaged on their way", 5_000, "proxies", (random) => ({
    ...{ kind: "damaged", oneOf: 3, random },
  })),
];
