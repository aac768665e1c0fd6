/** How several processes of ours listen on one port. */
import { type ListenOptions, listen } from "../../net/index.ts";

/** Asked when a port is opened: "claim" fails where anybody else has it, "join" stands beside the others. */
export type ListenSharing = (address: string, port: number) => "claim" | "join";

/**
 * Throws `address_in_use` where it is claimed and somebody has it: the kernel lets any process of the same user share a port, and
 * only one that does not share is told of others.
 */
export function sharedPlace(
  sharing: ListenSharing | undefined,
  hostname: string,
  port: number,
): Pick<ListenOptions, "hostname" | "port" | "reusePort"> {
  if (sharing === undefined) return { hostname, port };
  if (port !== 0 && sharing(hostname, port) === "claim") {
    listen({ hostname, port, onConnection: (connection) => connection.terminate() }).closeAll();
  }
  return { hostname, port, reusePort: true };
}
