/** Where gateways of this process are served: its own address, and those of the machine. */
import type { GatewayHost } from "../compile/index.ts";
import { canonicalIp } from "../kernel/index.ts";
import { machineAddresses } from "../net/index.ts";

/** `address`: where Gateways listen that name no address of their own. */
export function gatewayHost(address: string): GatewayHost {
  return { address: canonicalIp(address) ?? address, addresses: machineAddresses() };
}
