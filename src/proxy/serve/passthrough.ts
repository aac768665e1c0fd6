/** Connections to addresses that are none of the mesh's: TCP as it is, where MeshConfig allows it. */
import { create } from "@bufbuild/protobuf";
import { requestDefaults } from "../../decide/index.ts";
import { EndpointSchema, Tunnel } from "../../model/index.ts";
import type { Connection } from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import { directLimits, OrderedPicker, UpstreamEndpoint } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { NameSniffer } from "./name-sniffer.ts";
import { unreachedEdge } from "./edges.ts";
import { recordTcp, telemetryOf } from "./outcome.ts";
import type { TcpTarget } from "./tcp-dial.ts";

export function passthroughTarget(context: ServeContext, address: string, port: number): TcpTarget {
  context.metrics.passedThrough.value++;
  const endpoint = new UpstreamEndpoint(
    create(EndpointSchema, { address, port, tunnel: Tunnel.NONE, weight: 1 }),
    { name: "", port },
    { limits: directLimits, dialer: context.dialer, clock: context.clock },
  );
  const sniffer = context.isLogged(telemetryOf(context, {})) ? new NameSniffer() : undefined;
  return {
    cluster: {
      key: "",
      service: "",
      port,
      picker: new OrderedPicker([endpoint]),
      faults: undefined,
      versionFor: (client) => client,
      requests: requestDefaults.sidecar,
      retryBudget: undefined,
    },
    protocol: SessionProtocol.TCP,
    ...(sniffer && { sniffer }),
    edge: () => outsideEdge(context),
  };
}

/** The reset says nothing, so the log does. */
export function logDenied(
  context: ServeContext,
  client: Connection,
  { address, port }: { readonly address: string; readonly port: number },
): void {
  const edge = outsideEdge(context);
  edge.tcp("destination_denied").open();
  recordTcp(context, {
    edge,
    requestId: "",
    reason: "destination_denied",
    detail: "the mesh does not know the address",
    peerAddress: client.remoteAddress,
    upstreamAddress: `${address}:${port}`,
    attempts: 0,
    requestBytes: 0,
    responseBytes: 0,
    durationUs: 0,
    telemetry: telemetryOf(context, {}),
  });
}

/** One edge for everything outside: addresses of the internet as labels would be a series each. */
function outsideEdge(context: ServeContext): EdgeSeries {
  return unreachedEdge(context, { service: "", route: "", protocol: "tcp", port: 0 });
}
