/** What becomes of connections that were taken before their peer's certificate was revoked. */
import type { ServeContext } from "./context.ts";
import type { InboundTunnel } from "./inbound-tunnel.ts";

/** For each new configuration of the mesh: a peer that is revoked in it is spoken to no longer, in neither direction. */
export function endRevoked({ dialer, log }: ServeContext, tunnel: InboundTunnel | undefined): void {
  const inbound = tunnel?.terminateRevoked() ?? 0;
  const outbound = dialer.terminateRevoked();
  if (inbound + outbound > 0) log.warn("connections of revoked peers were ended", { inbound, outbound });
}
