/** Where proxies' streams of taps end: whoever opens one has proven who it is, and is heard about its own workloads alone. */
import { type CallContext, implementBidi } from "../grpc/index.ts";
import { type Clock, formatSpiffeId } from "../kernel/index.ts";
import type { TapHub } from "../observe/index.ts";
import type { Registry } from "../registry/index.ts";
import { Telemetry } from "../wire/index.ts";
import { mayActFor, provenIdentity, requireIdentity } from "./proxies.ts";

export interface TapPortOptions {
  readonly taps: TapHub;
  readonly registry: Registry;
  readonly trustDomain: string;
  readonly clock: Clock;
}

export function tapMethod({ taps, registry, trustDomain, clock }: TapPortOptions) {
  return implementBidi(Telemetry.method.tap, (stream, { peer }: CallContext) => {
    // Throws: the stream is then refused.
    const id = requireIdentity(peer, trustDomain, clock.nowMs());
    const connected = taps.connect({
      identity: formatSpiffeId(id),
      maySpeakFor: (workload) => mayActFor(id, workload, registry.views),
      // Few and small: what waits here is bounded by how often taps begin and end.
      send: (orders) => void stream.send(orders),
    });
    stream.onMessage((upload) => {
      // The connection may have outlived the certificate that it was opened with.
      if (provenIdentity(peer, trustDomain, clock.nowMs()) === undefined) {
        stream.close({
          code: "unauthenticated",
          message: "the connection's certificate is not valid any more",
        });
      } else connected.connection.receive(upload);
    });
    stream.onEnd(() => stream.close());
    stream.onClose(() => connected.close());
  });
}
