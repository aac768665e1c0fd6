/** A fixed rate of requests while everything else that disturbs a proxy happens to it. */
import { runH2load } from "../loads/h2load.ts";
import { median } from "../measure.ts";
import { benchRoutes } from "../routes.ts";
import type { Load } from "../scenarios/scenario.ts";
import { measured, type RoundResult, type RoundTask } from "./round.ts";

const scrapeMs = 1_000;

export async function stallRound(
  task: RoundTask,
  { requestsPerSecond, routes }: Extract<Load, { kind: "stall" }>,
): Promise<RoundResult> {
  const { peer, seconds } = task;
  const [route] = benchRoutes(1);
  if (route === undefined || peer.metricsUrl === undefined || peer.applyRoutes === undefined)
    throw new Error("this peer's routes or metrics are not to be had while it runs");
  const scrapes = new Scrapes(peer.metricsUrl);
  let isApplied = false;
  let failure: unknown;
  const apply = setTimeout(
    () => {
      peer.applyRoutes?.(routes).then(
        () => (isApplied = true),
        (error: unknown) => (failure = error),
      );
    },
    (seconds * 1000) / 3,
  );
  const result = await measured(task, () =>
    runH2load(task.bench, {
      url: `http://${route.host}${route.path}x`,
      connectTo: `127.0.0.1:${peer.port}`,
      connections: task.scenario.connections,
      seconds,
      headers: [],
      http1: true,
      streams: 1,
      requestsPerSecond,
    }),
  );
  clearTimeout(apply);
  const durationsMs = await scrapes.stop();
  if (failure !== undefined) throw failure;
  if (!isApplied) throw new Error(`${routes} routes were not applied within ${seconds} s`);
  return { errors: result.errors, figures: { ...result.figures, scrapeMs: median(durationsMs) } };
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
