/** The addresses of this machine, in canonical text and sorted. Those of other interfaces than the loopback come and go. */
import { networkInterfaces } from "node:os";
import { canonicalIp } from "../kernel/index.ts";

export function machineAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [...new Set(all.flatMap(({ address }) => canonicalIp(address) ?? []))].toSorted();
}
