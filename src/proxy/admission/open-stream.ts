/** A TCP connection of the proxy's own to an endpoint of a cluster, over the hop that sessions take. */
import type { ReasonCode } from "../../kernel/index.ts";
import { type ConnectFailure, Connection, type PendingConnect } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import { newestView, type UpstreamCluster } from "../upstream/index.ts";
import type { UnaryCallContext } from "./unary-call.ts";

export interface OpenStream {
  readonly connection: Connection;
  /** To be called once, when the connection is over. */
  release(): void;
}

/** `done` is called once, perhaps before this returns, unless it is cancelled first. Set the connection's sink at once. */
export function openStream(
  context: Pick<UnaryCallContext, "clock" | "random">,
  cluster: UpstreamCluster,
  done: (result: OpenStream | { readonly reason: ReasonCode; readonly detail: string }) => void,
): PendingConnect {
  const endpoint = newestView(cluster).picker.pick(context.clock.monotonicUs(), context.random);
  const refusal = endpoint === undefined ? "no_endpoint" : endpoint.openSession();
  if (endpoint === undefined || refusal !== undefined) {
    done({
      reason: refusal ?? "no_endpoint",
      detail: `${cluster.key} has no endpoint that takes a connection`,
    });
    return { cancel() {} };
  }
  let isOver = false;
  const release = (): void => {
    if (isOver) return;
    isOver = true;
    endpoint.closeSession();
  };
  const pending = endpoint.dial(SessionProtocol.TCP, (result: Connection | ConnectFailure) => {
    if (result instanceof Connection) {
      endpoint.recordSession();
      done({ connection: result, release });
      return;
    }
    release();
    endpoint.recordConnectFailure(context.clock.monotonicUs());
    done({ reason: result.reason, detail: result.detail });
  });
  return {
    cancel() {
      pending.cancel();
      release();
    },
  };
}
