/** The ports that every part of the mesh knows, and the mark of a proxy's own connections. */
import type { CapturePorts } from "../intercept/index.ts";

export const ports = {
  outbound: 15001,
  inbound: 15006,
  tunnel: 15008,
  ads: 15012,
  admin: 15020,
  health: 15021,
  dns: 15053,
} as const;

/** SO_MARK of the proxy's own connections: 1337, as the user id that sidecars of other meshes are known by. */
export const proxyMark = 0x539;

export const capturePorts: CapturePorts = {
  outboundPort: ports.outbound,
  inboundPort: ports.inbound,
  dnsPort: ports.dns,
  mark: proxyMark,
  openPorts: [ports.inbound, ports.tunnel, ports.admin, ports.health],
};
