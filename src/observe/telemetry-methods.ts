/** The Telemetry service's report, apart from the RPC layer: files a report under the identity that its sender proved. */
import { create } from "@bufbuild/protobuf";
import { WeftError } from "../kernel/index.ts";
import { type TelemetryAck, TelemetryAckSchema } from "../wire/index.ts";
import type { Aggregator } from "./aggregator.ts";
import type { Reporters } from "./reporters.ts";
import type { ReportReader } from "./report-reader.ts";

export interface TelemetryMethods {
  /** `bytes` are a TelemetryReport; `peerIdentity` is the SPIFFE id of the sender's verified certificate. */
  report(bytes: Uint8Array, peerIdentity: string | undefined): TelemetryAck;
}

export function telemetryMethods(
  aggregator: Aggregator,
  reporters: Reporters,
  others: readonly ReportReader[] = [],
): TelemetryMethods {
  const readers = [reporters, aggregator.hits, ...others];
  return {
    report(bytes, peerIdentity) {
      if (peerIdentity === undefined) {
        throw new WeftError("unauthenticated", "telemetry is taken from proxies with a certificate only");
      }
      const report = aggregator.receive(bytes, peerIdentity);
      if (report === undefined) throw new WeftError("bad_input", "not a weft.wire.v1.TelemetryReport");
      for (const reader of readers) reader.add(report, peerIdentity);
      return create(TelemetryAckSchema, { intervalMs: reporters.intervalMs });
    },
  };
}
