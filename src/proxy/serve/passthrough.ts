/** Connections to addresses that are none of the mesh's: TCP as it is, where MeshConfig allows it. */
import { create } from "@bufbuild/protobuf";
import { requestDefaults } from "../../decide/index.ts";
import { EndpointSchema, Tunnel } from "../../model/index.ts";
import { SessionProtocol } from "../../wire/index.ts";
import { directLimits, OrderedPicker, UpstreamEndpoint } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import type { TcpTarget } from "./tcp-dial.ts";

export function passthroughTarget(context: ServeContext, address: string, port: number): TcpTarget {
  const endpoint = new UpstreamEndpoint(
    create(EndpointSchema, { address, port, tunnel: Tunnel.NONE, weight: 1 }),
    { name: "", port },
    { limits: directLimits, dialer: context.dialer, clock: context.clock },
  );
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
    // One edge for everything outside: addresses of the internet as labels would be a series each.
    edge: () =>
      context.series.edge({
        direction: "outbound",
        sourceWorkload: context.workload.key,
        sourceIdentity: context.identity,
        destinationWorkload: "",
        destinationIdentity: "",
        destinationService: "",
        destinationPort: 0,
        destinationVersion: "",
        route: "",
        protocol: "tcp",
        mtls: false,
      }),
  };
}
