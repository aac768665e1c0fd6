/** Sends bytes for as long as somebody reads. */
import { type Bench, freePort } from "../processes.ts";
import { startProgram } from "../programs/start.ts";

export async function startBytes(bench: Bench): Promise<number> {
  const port = freePort();
  await startProgram(bench, "byte-server", { port }).listening(port);
  return port;
}
