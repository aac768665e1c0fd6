/** Who a connection at a gateway is from, as policies see it. */
import type { CallerFacts } from "../../decide/index.ts";
import { canonicalIp, parseSpiffeId } from "../../kernel/index.ts";
import type { Mesh } from "../../model/index.ts";
import type { Connection } from "../../net/index.ts";

export function gatewayCaller(
  connection: Pick<Connection, "remoteAddress" | "remotePort" | "isTls" | "serverName" | "peer">,
  place: { readonly gateway: string; readonly port: number; readonly mesh: Mesh | undefined },
): CallerFacts {
  return {
    identity: outsideIdentity(connection.peer?.uriSans ?? [], place.mesh),
    address: canonicalIp(connection.remoteAddress) ?? connection.remoteAddress,
    addressPort: connection.remotePort,
    isTls: connection.isTls,
    serverName: connection.serverName ?? "",
    port: place.port,
    service: "",
    destination: place.gateway,
  };
}

/**
 * A gateway's clients are checked against whatever roots its operator gave it. Those are not the mesh's, so what they issued
 * may name anybody but a workload of the mesh.
 */
function outsideIdentity(uriSans: readonly string[], mesh: Mesh | undefined): string {
  const [only, ...others] = uriSans;
  if (only === undefined || others.length > 0 || !only.startsWith("spiffe://")) return "";
  const trustDomain = parseSpiffeId(only)?.trustDomain ?? only.slice("spiffe://".length).split("/")[0] ?? "";
  const isOurs = trustDomain === mesh?.trustDomain || mesh?.trustDomainAliases.includes(trustDomain) === true;
  return isOurs ? "" : only;
}
