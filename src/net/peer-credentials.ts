/** Who is at the other end of a Unix socket, as the kernel knows it: nothing that the peer says. */
import type { Connection } from "./connection.ts";
import { readOption } from "./libc.ts";

const solSocket = 1;
const soPeerCred = 17;
/** struct ucred: pid, uid, gid, 32 bits each. */
const ucredBytes = 12;

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** As they were when the peer connected. Undefined where the system does not tell: not a Unix socket, closed, not Linux. */
export function peerCredentials(connection: Connection): PeerCredentials | undefined {
  const { fd } = connection;
  const bytes = fd < 0 ? undefined : readOption(fd, solSocket, soPeerCred, ucredBytes);
  if (bytes?.length !== ucredBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [pid, uid, gid] = [view.getInt32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
  // Sockets of other families answer with nobody.
  return pid <= 0 || uid === 0xffff_ffff ? undefined : { pid, uid, gid };
}
