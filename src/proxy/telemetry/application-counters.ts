/** What is counted of the application's own page of metrics, which goes out behind ours. */
import { CounterFamily } from "./counters.ts";

/** Why there was nothing to append. */
export type PageFailure = "unreachable" | "timeout" | "status" | "too_large" | "malformed" | "format";

export class ApplicationCounters {
  readonly scrapes = new CounterFamily(
    "weft_application_metrics_scrapes_total",
    "How often the application's own metrics were asked for, by what came of it: ok, or why there were none.",
    ["result"],
  );
  readonly skipped = new CounterFamily(
    "weft_application_metrics_skipped_total",
    "What was left out of the application's metrics: families whose name is one of ours, lines that no scraper could read.",
    ["reason"],
  );
  readonly families: readonly CounterFamily[] = [this.scrapes, this.skipped];
}
