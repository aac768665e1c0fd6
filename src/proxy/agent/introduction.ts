/** Who a proxy says that it is: on its discovery stream, and in the registration of its workload. */
import { create } from "@bufbuild/protobuf";
import { type Node, NodeSchema, type RegisterRequest, RegisterRequestSchema } from "../../wire/index.ts";
import type { ProxyBootstrap } from "../bootstrap.ts";

type Introduced = Pick<ProxyBootstrap, "role" | "workload">;

export function nodeOf({ role, workload }: Introduced, addresses: readonly string[] | undefined): Node {
  return create(NodeSchema, {
    id: `${workload.namespace}/${workload.name}`,
    cluster: workload.serviceAccount,
    metadata: {
      role,
      namespace: workload.namespace,
      ...(addresses === undefined ? {} : { addresses: [...addresses] }),
    },
    locality: { region: workload.region, zone: workload.zone },
    userAgentName: "weft",
  });
}

export function registrationOf(
  { workload }: Introduced,
  tunnel: { readonly address: string; readonly port: number },
): RegisterRequest {
  const { namespace, name, serviceAccount, labels, annotations, addresses, ports, region, zone } = workload;
  return create(RegisterRequestSchema, {
    namespace,
    name,
    serviceAccount,
    labels: { ...labels },
    annotations: { ...annotations },
    addresses: [...addresses],
    ports: ports.map((port) => ({ ...port })),
    tunnelAddress: tunnel.address,
    tunnelPort: tunnel.port,
    region,
    zone,
  });
}
