/** The Telemetry service's one method, apart from the RPC layer: files a report under the identity that its sender proved. */
import { create } from "@bufbuild/protobuf";
import { WeftError } from "../kernel/index.ts";
import { type TelemetryAck, TelemetryAckSchema, type TelemetryReport } from "../wire/index.ts";
import type { Aggregator } from "./aggregator.ts";

export interface TelemetryMethods {
  /** `peerIdentity` is the SPIFFE id of the sender's verified certificate. */
  report(report: TelemetryReport, peerIdentity: string | undefined): TelemetryAck;
}

/** Whoever keeps a part of reports. */
export interface ReportReader {
  add(report: TelemetryReport, reporter: string): void;
}

export function telemetryMethods(
  aggregator: Aggregator,
  others: readonly ReportReader[] = [],
): TelemetryMethods {
  return {
    report(report, peerIdentity) {
      if (peerIdentity === undefined) {
        throw new WeftError("unauthenticated", "telemetry is taken from proxies with a certificate only");
      }
      aggregator.add(report, peerIdentity);
      for (const reader of others) reader.add(report, peerIdentity);
      // One report a slot: more would not be seen apart, fewer would make rates jump.
      return create(TelemetryAckSchema, { intervalMs: aggregator.slotMs });
    },
  };
}
