/** Ends connections by who is on their other side: for certificates that are no longer taken although they were. */
import type { Connection } from "./connection.ts";
import type { PeerCertificate } from "./tls.ts";

/** Returns how many there were. */
export function terminatePeers(
  connections: Iterable<Connection>,
  isUnwanted: (peer: PeerCertificate) => boolean,
): number {
  let count = 0;
  // A connection that ends takes itself out of the set.
  for (const connection of [...connections]) {
    const { peer } = connection;
    if (peer === undefined || !isUnwanted(peer)) continue;
    connection.terminate();
    count++;
  }
  return count;
}
