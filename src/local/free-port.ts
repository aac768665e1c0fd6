/**
 * A port for those who ask for port 0 where it must be known before it is used. Below the range from which the kernel serves port 0
 * itself, and no other weft of this machine is given it while this process runs: only somebody who asks for this very number could
 * take it meanwhile.
 */
import { WeftError } from "../kernel/index.ts";
import { holdName } from "./addresses.ts";

const firstPort = 10_000;
const lastPort = 19_999;
const maxAttempts = 200;

/** Throws `exhausted` where none was found, `unavailable` where the system has no abstract Unix sockets. */
export function freePort(address: string): number {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort + 1));
    const hold = holdName(`port-${port}`);
    if (hold === undefined) continue;
    try {
      Bun.listen({ hostname: address, port, socket: { data: () => {} } }).stop(true);
      return port;
    } catch {
      // Taken: another one.
      hold.stop(true);
    }
  }
  throw new WeftError("exhausted", `no free port was found on ${address}`, { hint: "name one instead of 0" });
}
