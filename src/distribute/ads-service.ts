/** Envoy's aggregated discovery service (delta) on gRPC streams, with weft's own type URLs. */
import type { Clock, Log } from "../kernel/index.ts";
import { type BidiStream, type CallContext, implementBidi, type ServiceRegistration } from "../grpc/index.ts";
import type { PeerCertificate } from "../net/index.ts";
import {
  AggregatedDiscoveryService,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
} from "../wire/index.ts";
import { AdsSession } from "./ads-session.ts";
import { readAnswer } from "./answer-reader.ts";
import { statedRevision } from "./node.ts";
import { Presence, type PresenceListener } from "./presence.ts";
import { ResponseEncoder } from "./response-encoder.ts";
import { StreamLimits } from "./stream-limits.ts";
import type { SubscriptionCore } from "./subscription-core.ts";
import type { ProxyIdentity } from "./wishes.ts";

export interface AdsOptions {
  readonly core: SubscriptionCore;
  readonly clock: Clock;
  readonly log: Log;
  /** May this certificate speak for the workload ("namespace/name") in this role? Asked for each stream and name. */
  mayActFor(peer: PeerCertificate, workload: string, role: ProxyIdentity["role"]): boolean;
  /**
   * Called with the revision that a proxy says it runs, where it is newer than ours. Resolves with undefined when it may be
   * answered, else with why not. Absent: it is answered as it is.
   */
  readonly catchUp?: ((revision: number) => Promise<string | undefined>) | undefined;
  /** Streams are the workloads' leases. */
  readonly presence: PresenceListener;
}

type AdsStream = BidiStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

/** The longest that one timer waits: Bun's and Node's hold 31 bits of milliseconds. */
const maxTimerMs = 2_000_000_000;

export function adsService(options: AdsOptions): ServiceRegistration {
  const encoder = new ResponseEncoder();
  const presence = new Presence(options.presence);
  const limits = new StreamLimits();
  return [
    implementBidi(
      AggregatedDiscoveryService.method.deltaAggregatedResources,
      (stream, context) =>
        serveStream(stream, context, { ...options, encoder, limits, presenceOf: presence }),
      readAnswer,
    ),
  ];
}

interface StreamOptions extends AdsOptions {
  readonly encoder: ResponseEncoder;
  readonly limits: StreamLimits;
  readonly presenceOf: Presence;
}

function serveStream(stream: AdsStream, { peer }: CallContext, options: StreamOptions): void {
  if (peer === undefined) {
    return stream.close({ code: "unauthenticated", message: "discovery needs a certificate of this mesh" });
  }
  const { core, encoder, clock, log, limits, presenceOf } = options;
  const holder = peer.uriSans.join(" ");
  let isNew = true;
  const session = new AdsSession({
    core,
    encoder,
    mayActFor: (workload, role) => options.mayActFor(peer, workload, role),
    // What a new stream is sent first is much, and many may be new at once; a question that comes later waits for nothing.
    defer(run) {
      if (isNew) core.later(run);
      else queueMicrotask(run);
      isNew = false;
    },
    // What is unsent is bounded without looking at the answer: one change is in flight at a time.
    send: (parts) => void stream.sendParts(parts),
    admit: ({ workload }) => limits.enter(holder, workload),
    onRevoked: (refusal) => {
      log.warn("discovery stream ended", { proxy: session.identity?.workload, detail: refusal.message });
      stream.close(refusal);
    },
    onOpen: (identity) => {
      presenceOf.enter(identity);
      log.debug("proxy connected", { proxy: identity.workload, role: identity.role });
    },
    onRejected: ({ workload }, message) =>
      log.warn("proxy rejected a change", { proxy: workload, detail: message }),
  });
  // A stream outlives its handshake: it must not outlive the certificate that the handshake proved.
  const expiry = clock.after(Math.min(maxTimerMs, Math.max(0, peer.notAfterMs - clock.nowMs())), () =>
    stream.close({ code: "unauthenticated", message: "the stream's certificate has expired; connect anew" }),
  );
  const receive = (request: DeltaDiscoveryRequest): void => {
    if (stream.isClosed) return;
    const refusal = session.receive(request);
    if (refusal === undefined) return;
    log.warn("discovery stream refused", {
      proxy: session.identity?.workload ?? request.node?.id,
      detail: refusal.message,
    });
    stream.close(refusal);
  };
  stream.onMessage(inOrder(receive, stream, options));
  stream.onEnd(() => stream.close());
  stream.onClose(() => {
    expiry.cancel();
    const { identity } = session;
    session.close();
    if (identity === undefined) return;
    limits.leave(holder, identity.workload);
    presenceOf.leave(identity);
    log.debug("proxy disconnected", { proxy: identity.workload });
  });
}

/** The first request waits where its proxy has seen more than we have; so do those behind it, which the stream's window bounds. */
function inOrder(
  receive: (request: DeltaDiscoveryRequest) => void,
  stream: AdsStream,
  { core, catchUp }: StreamOptions,
): (request: DeltaDiscoveryRequest) => void {
  if (catchUp === undefined) return receive;
  let isFirst = true;
  let waiting: DeltaDiscoveryRequest[] | undefined;
  const caughtUp = (problem: string | undefined): void => {
    const requests = waiting ?? [];
    waiting = undefined;
    if (problem !== undefined) return stream.close({ code: "unavailable", message: problem });
    stream.resume();
    for (const request of requests) receive(request);
  };
  return (request) => {
    const revision = isFirst && request.node !== undefined ? statedRevision(request.node) : 0;
    isFirst = false;
    if (waiting !== undefined) return void waiting.push(request);
    if (revision <= core.source.revision) return receive(request);
    waiting = [request];
    stream.pause();
    void catchUp(revision).then(caughtUp, () =>
      caughtUp("this control plane cannot catch up with the proxy"),
    );
  };
}
