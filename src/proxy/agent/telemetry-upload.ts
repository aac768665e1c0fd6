/** Uploads telemetry deltas at the interval that the control plane asks for; a few wait here while it is away. */
import { type Clock, errorLine, type Log, type Timer } from "../../kernel/index.ts";
import type { TelemetryReport } from "../../wire/index.ts";
import type { TelemetrySource } from "./agent.ts";
import type { ControlPlane } from "./control-plane.ts";

export interface TelemetryUploadOptions {
  readonly controlPlane: Pick<ControlPlane, "report">;
  readonly source: TelemetrySource;
  readonly clock: Clock;
  readonly log: Log;
  readonly isOnline: () => boolean;
}

const firstIntervalMs = 2_000;
/** What the control plane may ask for. */
const minIntervalMs = 500;
const maxIntervalMs = 60_000;
/** A minute or so of an outage; after that the oldest deltas are dropped: they are for looking at, not for billing. */
const maxWaitingReports = 30;

export class TelemetryUpload {
  readonly #options: TelemetryUploadOptions;
  readonly #waiting: TelemetryReport[] = [];
  #intervalMs = firstIntervalMs;
  #timer: Timer | undefined;
  #sending = Promise.resolve();
  #isClosed = false;

  constructor(options: TelemetryUploadOptions) {
    this.#options = options;
    this.#schedule();
  }

  /** Ends the regular uploads and sends what has gathered. */
  async finish(): Promise<void> {
    this.close();
    await this.#sending;
    this.#take();
    await this.#send();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(this.#intervalMs, () => {
      this.#take();
      this.#sending = this.#send().finally(() => this.#schedule());
    });
  }

  #take(): void {
    const report = this.#options.source.take();
    if (report === undefined) return;
    this.#waiting.push(report);
    if (this.#waiting.length <= maxWaitingReports) return;
    this.#waiting.shift();
    this.#options.source.dropped?.();
  }

  /** In order, and none again that was answered; one whose answer was lost counts twice. */
  async #send(): Promise<void> {
    const { controlPlane, source, log, isOnline } = this.#options;
    while (isOnline()) {
      // Part by part: each is made when the one before has gone, so that a large report stops nothing.
      if (this.#waiting.length === 0 && source.hasMore === true) this.#take();
      const [report] = this.#waiting;
      if (report === undefined) return;
      try {
        const { intervalMs } = await controlPlane.report(report);
        this.#waiting.shift();
        if (intervalMs > 0) this.#intervalMs = Math.min(maxIntervalMs, Math.max(minIntervalMs, intervalMs));
      } catch (error) {
        log.debug("telemetry could not be uploaded; it waits", {
          error: errorLine(error),
          waiting: this.#waiting.length,
        });
        return;
      }
    }
  }
}
