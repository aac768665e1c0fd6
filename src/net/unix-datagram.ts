/** One datagram to a Unix socket, which Bun cannot send. */
import { ptr } from "bun:ffi";
import { libc } from "./libc.ts";

const afUnix = 1;
const sockDgram = 2;
const closeOnExec = 0x80000;
/** `sun_path` of sockaddr_un. */
const maxPathBytes = 107;

/** `path`: a file, or `@name` in the abstract namespace. False: not sent. Blocks for no longer than the receiver's queue is full. */
export function sendToUnix(path: string, bytes: Uint8Array): boolean {
  const name = new TextEncoder().encode(path);
  if (libc === undefined || name.length === 0 || name.length > maxPathBytes || bytes.length === 0)
    return false;
  const isAbstract = path.startsWith("@");
  const address = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, afUnix, true);
  address.set(name, 2);
  if (isAbstract) address[2] = 0;
  const fd = libc.socket(afUnix, sockDgram | closeOnExec, 0);
  if (fd < 0) return false;
  try {
    return (
      libc.sendto(fd, ptr(bytes), bytes.length, 0, ptr(address), address.length) === BigInt(bytes.length)
    );
  } finally {
    libc.close(fd);
  }
}
