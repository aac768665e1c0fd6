/** What upstreams find out about their endpoints: counted, and logged while the log can be read. */
import type { Clock, Log } from "../../kernel/index.ts";
import type { GuardListener } from "../upstream/index.ts";
import type { ServeMetrics } from "./metrics.ts";

/** When everything goes down at once, the first lines say it and the metrics count it. */
const maxLines = 20;
const windowMs = 10_000;

export class GuardReports implements GuardListener {
  readonly #metrics: ServeMetrics;
  readonly #log: Log;
  readonly #clock: Clock;
  #windowStartMs = 0;
  #lines = 0;

  constructor(metrics: ServeMetrics, log: Log, clock: Clock) {
    this.#metrics = metrics;
    this.#log = log;
    this.#clock = clock;
  }

  forCluster(cluster: string): ReturnType<GuardListener["forCluster"]> {
    const metrics = this.#metrics;
    return {
      onEjected: ({ workload }, reason, forUs) => {
        metrics.ejected(reason);
        const seconds = Math.round(forUs / 1_000_000);
        this.#warn("endpoint ejected", { cluster, endpoint: workload, reason, seconds });
      },
      onEjectionPrevented: (_member, reason) => metrics.ejectionPrevented(reason),
      onProbed: (isPassed) => metrics.probed(isPassed),
      onHealthChanged: ({ workload }, isHealthy, failure) => {
        const fields = { cluster, endpoint: workload };
        if (isHealthy) this.#warn("endpoint passes its health checks again", fields);
        else this.#warn("endpoint fails its health checks", { ...fields, failure });
      },
    };
  }

  #warn(message: string, fields: Parameters<Log["warn"]>[1]): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#windowStartMs >= windowMs) {
      this.#windowStartMs = nowMs;
      this.#lines = 0;
    }
    this.#lines++;
    if (this.#lines <= maxLines) this.#log.warn(message, fields);
    else if (this.#lines === maxLines + 1) {
      this.#log.warn("more endpoints change than are logged; see /metrics and /config");
    }
  }
}
