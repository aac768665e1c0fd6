/** No proxy at all: what the load generator and the upstream need for themselves. */
import type { Peer } from "./peer.ts";

export const direct: Peer = {
  name: "direct",
  missing: () => undefined,
  start: async (_, task) => ({ version: "", port: task.upstreamPort, pids: [] }),
};
