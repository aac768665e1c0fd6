/** What a line is made of beside what ended. */
import type { PreparedAccessLog, TelemetryFacts } from "../../decide/telemetry/index.ts";

export interface LineFrame {
  /** Unix time of its end. */
  readonly timeMs: number;
  /** The same in ISO 8601, UTC, with milliseconds. */
  readonly time: string;
  /** Of the configuration that decided. */
  readonly revision: number;
  /** Undefined: the defaults. */
  readonly settings: PreparedAccessLog | undefined;
  /** For what policies read; undefined: they read nothing, or it cannot be had. */
  readonly facts: TelemetryFacts | undefined;
}
