/** Whoever keeps a part of reports besides their edges. */
import type { TelemetryReport } from "../wire/index.ts";

export interface ReportReader {
  /** `reporter` is the identity that the sender proved. */
  add(report: TelemetryReport, reporter: string): void;
}
