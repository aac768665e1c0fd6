/** Echoes gRPC messages on long streams, on weft's own gRPC server. */
import { type Bench, freePort } from "../processes.ts";
import { startProgram } from "../programs/start.ts";

export async function startMessages(bench: Bench): Promise<number> {
  const port = freePort();
  await startProgram(bench, "message-server", { port }).listening(port);
  return port;
}
