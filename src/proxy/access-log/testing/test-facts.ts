/** What expressions of policies read of an exchange that ended. */
import type { TelemetryFacts } from "../../../decide/telemetry/index.ts";

export function testFacts(parts: Partial<TelemetryFacts> = {}): TelemetryFacts {
  return {
    direction: "outbound",
    sourceWorkload: "shop/web-1",
    sourceIdentity: "",
    destinationWorkload: "",
    destinationIdentity: "",
    destinationService: "pay/card",
    destinationPort: 80,
    route: "",
    rule: "",
    peerAddress: "10.0.0.1",
    isMutualTls: true,
    requestId: "",
    http: undefined,
    reason: "",
    durationUs: 0,
    requestBytes: 0,
    responseBytes: 0,
    ...parts,
  };
}
