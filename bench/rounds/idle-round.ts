/** What many idle connections cost: memory with them against memory before, CPU while nothing happens. */
import { type LoadReport, parseLoadReport } from "../loads/load-report.ts";
import { usage } from "../measure.ts";
import { startProgram } from "../programs/start.ts";
import type { RoundResult, RoundTask } from "./round.ts";

export async function idleRound({ bench, scenario, peer, seconds }: RoundTask): Promise<RoundResult> {
  const { connections } = scenario;
  const empty = usage(peer.pids);
  const load = startProgram(bench, "idle-load", { port: peer.port, connections }, "pipe");
  const reader = load.lines();
  const opened = parseLoadReport("idle-load", (await reader.next()) ?? load.lastWords(), 0);
  const before = usage(peer.pids);
  const startMs = performance.now();
  await Bun.sleep(seconds * 1000);
  const after = usage(peer.pids);
  const idleSeconds = (performance.now() - startMs) / 1000;
  load.endInput();
  const closed: LoadReport = parseLoadReport(
    "idle-load",
    (await reader.next()) ?? load.lastWords(),
    await load.child.exited,
  );
  return {
    errors: closed.errors + (opened.work === connections ? 0 : 1),
    figures: {
      rssMb: after.rssMb,
      privateMb: after.privateMb,
      kbPerConnection: ((after.rssMb - empty.rssMb) * 1024) / connections,
      cpuMsPerSecond: (after.cpuUs - before.cpuUs) / 1000 / idleSeconds,
    },
  };
}
