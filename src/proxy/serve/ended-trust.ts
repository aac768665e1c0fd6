/** What becomes of connections that were opened with certificates that are not taken any more: a peer's, or our own. */
import type { ServeContext } from "./context.ts";
import type { InboundTunnel } from "./inbound-tunnel.ts";

/** For each new configuration of the mesh: a peer that is revoked in it is spoken to no longer, in neither direction. */
export function endRevoked({ dialer, log }: ServeContext, tunnel: InboundTunnel | undefined): void {
  const inbound = tunnel?.terminate("revoked") ?? 0;
  const outbound = dialer.terminate("revoked");
  if (inbound + outbound > 0) log.warn("connections of revoked peers were ended", { inbound, outbound });
}

/** Every second: with an expired certificate nothing is carried, also not over connections that were opened before. */
export function endIfExpired(context: ServeContext, tunnel: InboundTunnel | undefined): void {
  if (!context.hasExpiredCertificate) return;
  const inbound = tunnel?.terminate("all") ?? 0;
  const outbound = context.dialer.terminate("all");
  if (inbound + outbound > 0)
    context.log.error("this proxy's certificate is expired: its connections were ended", {
      inbound,
      outbound,
    });
}
