/** Brings one request to one collector, over the pools and the hop that requests take. */
import { type Collector, CollectorProtocol } from "../../model/index.ts";
import { serviceHost } from "../admission/service-host.ts";
import {
  startUnaryCall,
  type UnaryCall,
  type UnaryCallContext,
  type UnaryRequest,
} from "../admission/unary-call.ts";
import type { UpstreamCluster } from "../upstream/index.ts";
import { type DeliveryResult, judgeDelivery } from "./delivery-result.ts";
import type { Signal } from "./signals.ts";

export interface DeliveryContext extends UnaryCallContext {
  cluster(key: string): UpstreamCluster | undefined;
}

/** Where a Collector says nothing. */
const defaultTimeoutMs = 10_000;
/** Of an answer: counts and a line of text. */
const maxAnswerBytes = 65_536;

/** `done` is called once, perhaps before this returns, unless it is cancelled first. */
export type Deliver = (
  signal: Signal,
  request: Uint8Array,
  done: (result: DeliveryResult) => void,
) => UnaryCall;

export function deliveryTo(collector: Collector, context: DeliveryContext): Deliver {
  return (signal, body, done) => {
    const cluster = context.cluster(collector.cluster);
    if (cluster === undefined) {
      done({ kind: "retry", afterMs: undefined, detail: `cluster ${collector.cluster} is not known here` });
      return { cancel() {} };
    }
    return startUnaryCall(context, cluster, requestTo(collector, cluster, { signal, body }), (result) =>
      done(judgeDelivery(result, context.clock.nowMs())),
    );
  };
}

function requestTo(
  collector: Collector,
  { service, port }: UpstreamCluster,
  { signal, body }: { readonly signal: Signal; readonly body: Uint8Array },
): UnaryRequest {
  const isGrpc = collector.protocol === CollectorProtocol.GRPC;
  const fields = collector.headers.map(({ name, value }) => [name.toLowerCase(), value] as const);
  return {
    method: "POST",
    path: isGrpc ? signal.grpcPath : `${collector.path.replace(/\/$/, "")}${signal.httpPath}`,
    authority: collector.authority || `${serviceHost(service)}:${port}`,
    fields: isGrpc ? fields : [["content-type", "application/x-protobuf"], ...fields],
    body,
    isGrpc,
    timeoutMs: collector.timeoutMs || defaultTimeoutMs,
    maxAnswerBytes,
  };
}
