/** Who a proxy says that it is: on its discovery stream, and in the registration of its workload. */
import { create } from "@bufbuild/protobuf";
import { type Node, NodeSchema, type RegisterRequest, RegisterRequestSchema } from "../../wire/index.ts";
import type { ProxyBootstrap } from "../bootstrap.ts";

type Introduced = Pick<ProxyBootstrap, "role" | "workload"> & Partial<Pick<ProxyBootstrap, "admin">>;

export function nodeOf(
  { role, workload, admin }: Introduced,
  addresses: readonly string[] | undefined,
  revision = 0,
): Node {
  const metrics = metricsPlace(admin, workload);
  return create(NodeSchema, {
    id: `${workload.namespace}/${workload.name}`,
    cluster: workload.serviceAccount,
    metadata: {
      role,
      namespace: workload.namespace,
      ...(addresses === undefined ? {} : { addresses: [...addresses] }),
      ...(metrics === undefined ? {} : { metrics }),
      // Of several control planes one that is behind reads on before it answers.
      ...(revision === 0 ? {} : { revision }),
    },
    locality: { region: workload.region, zone: workload.zone },
    userAgentName: "weft",
  });
}

/** Where its metrics are read. Undefined: nowhere that others could know. */
function metricsPlace(
  admin: Introduced["admin"],
  { addresses }: Introduced["workload"],
): { address: string; port: number } | undefined {
  if (admin === undefined || admin.port === 0) return undefined;
  const isWildcard = admin.address === "0.0.0.0" || admin.address === "::";
  const address = isWildcard ? addresses[0] : admin.address;
  return address === undefined ? undefined : { address, port: admin.port };
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
