/** Waits until every connected proxy runs a revision. Asks the server, which alone knows what each proxy has acknowledged. */
import type { ApiClient } from "../client/index.ts";
import type { MeshStatus } from "../api/index.ts";
import type { Output } from "./output.ts";

const askEveryMs = 100;
/** As many names as fit a line that is read at a glance. */
const maxNamed = 5;

/** False when the time ran out; then it has said which proxies are behind. */
export async function waitForRevision(
  client: ApiClient,
  revision: number | "newest",
  timeoutMs: number,
  output: Output,
): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const status = await client.status();
    const wanted = revision === "newest" ? status.revision : revision;
    const behind = laggards(status, wanted);
    if (behind.length === 0) return true;
    if (performance.now() >= endMs) {
      const named = behind.slice(0, maxNamed).join(", ");
      const more = behind.length > maxNamed ? ` and ${behind.length - maxNamed} more` : "";
      output.note(
        `weft: revision ${wanted} is not on ${named}${more} after ${timeoutMs / 1000} s; see weft status`,
      );
      return false;
    }
    await Bun.sleep(askEveryMs);
  }
}

/** A proxy that is gone will get the revision when it is back; nothing is gained by waiting for it. */
function laggards(status: MeshStatus, revision: number): string[] {
  return status.proxies
    .filter((proxy) => proxy.connected && proxy.revision < revision)
    .map((proxy) => proxy.id);
}
