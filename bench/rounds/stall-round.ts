/** A fixed rate of requests while everything else that disturbs a proxy happens to it. */
import { runH2load } from "../loads/h2load.ts";
import type { LoadReport } from "../loads/load-report.ts";
import { median } from "../measure.ts";
import { benchRoutes } from "../routes.ts";
import type { Load } from "../scenarios/scenario.ts";
import { measured, type RoundResult, type RoundTask } from "./round.ts";

const scrapeMs = 1_000;
/** Thrown away: the process is a fresh one. */
const warmSeconds = 10;
/** Of the load's time. */
const applyAt = 0.25;
const applyPollMs = 20;
const applyTimeoutMs = 60_000;
/** The load must still run while routes are applied; this covers the end of its report. */
const graceMs = 500;

export async function stallRound(
  task: RoundTask,
  { requestsPerSecond, routes }: Extract<Load, { kind: "stall" }>,
): Promise<RoundResult> {
  const { peer, seconds } = task;
  const [route] = benchRoutes(1);
  if (route === undefined || peer.metricsUrl === undefined || peer.applyRoutes === undefined)
    throw new Error("this peer's routes or metrics are not to be had while it runs");
  const { metricsUrl } = peer;
  const applyRoutes = peer.applyRoutes.bind(peer);
  const load = (loadSeconds: number): Promise<LoadReport> =>
    runH2load(task.bench, {
      url: `http://${route.host}${route.path}x`,
      connectTo: `127.0.0.1:${peer.port}`,
      connections: task.scenario.connections,
      seconds: loadSeconds,
      headers: [],
      http1: true,
      streams: 1,
      requestsPerSecond,
    });
  await load(Math.min(seconds, warmSeconds));
  const scrapes = new Scrapes(metricsUrl);
  // Never rejects: whoever waits for it waits for the load first.
  const applied = Bun.sleep(seconds * applyAt * 1000)
    .then(() => applyAndReach(peer.port, applyRoutes, routes))
    .then(
      (applyMs) => ({ applyMs }),
      (error: unknown) => ({ error: new Error(`${routes} routes were not applied`, { cause: error }) }),
    );
  const result = await measured(task, () => load(seconds));
  const loadEndMs = performance.now();
  const outcome = await applied;
  const isLate = performance.now() > loadEndMs + graceMs;
  const durationsMs = await scrapes.stop();
  if ("error" in outcome) throw outcome.error;
  if (isLate) throw new Error(`${routes} routes took longer than the load: more --seconds`);
  return {
    errors: result.errors,
    figures: { ...result.figures, applyMs: outcome.applyMs, scrapeMs: median(durationsMs) },
  };
}

/** Resolves with the time from the first byte of the change until the last of the routes answers. */
async function applyAndReach(
  port: number,
  applyRoutes: (count: number) => Promise<void>,
  count: number,
): Promise<number> {
  const last = benchRoutes(count).at(-1);
  const startMs = performance.now();
  await applyRoutes(count);
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}${last?.path ?? "/"}x`, {
      headers: { host: last?.host ?? "" },
    });
    await response.arrayBuffer();
    const tookMs = performance.now() - startMs;
    if (response.ok) return tookMs;
    if (tookMs > applyTimeoutMs) throw new Error(`the last route answers ${response.status}`);
    await Bun.sleep(applyPollMs);
  }
}

/** One at a time, the next a second after the start of the last. */
class Scrapes {
  readonly #durationsMs: number[] = [];
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(url: string) {
    this.#running = this.#run(url);
  }

  async stop(): Promise<readonly number[]> {
    this.#isOver = true;
    await this.#running;
    return this.#durationsMs;
  }

  async #run(url: string): Promise<void> {
    while (!this.#isOver) {
      const startMs = performance.now();
      const response = await fetch(url);
      await response.arrayBuffer();
      this.#durationsMs.push(performance.now() - startMs);
      await Bun.sleep(Math.max(0, scrapeMs - (performance.now() - startMs)));
    }
  }
}
