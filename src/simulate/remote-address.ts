/** The client's address as a callee's proxy takes it. */
import { type CallerFacts, remoteAddressBehindGateway } from "../decide/index.ts";
import type { Mesh } from "../model/index.ts";
import type { SimulatedHead } from "./simulated-head.ts";

/** A gateway of the mesh says who its client is; nobody else is believed. */
export function remoteAddressAt(
  { gatewayIdentities, trustedHops }: Mesh,
  { identity, address }: CallerFacts,
  head: SimulatedHead | undefined,
): string {
  if (head === undefined || !gatewayIdentities.includes(identity)) return address;
  return remoteAddressBehindGateway(head.header("x-forwarded-for"), trustedHops, address);
}
