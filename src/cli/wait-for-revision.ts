/** Waits until every connected proxy runs a revision. Asks the server, which alone knows what each proxy has acknowledged. */
import type { ApiClient } from "../client/index.ts";
import type { MeshStatus, ProxyStatus } from "../api/index.ts";
import type { Output } from "./output.ts";

const askEveryMs = 100;
/** As many names as fit a line that is read at a glance. */
const maxNamed = 5;

/** False when the time ran out, or a proxy refuses the revision: it keeps what it had, and waiting is of no use. Then it has said which. */
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
    if (behind.every((proxy) => hasAnswered(proxy, wanted))) {
      for (const proxy of behind.slice(0, maxNamed)) output.note(refusalText(proxy, wanted));
      if (behind.length > maxNamed)
        output.note(`weft: and ${behind.length - maxNamed} more proxies; see weft status`);
      return !behind.some((proxy) => refusesIt(proxy, wanted));
    }
    if (performance.now() >= endMs) {
      const named = behind
        .slice(0, maxNamed)
        .map(({ id }) => id)
        .join(", ");
      const more = behind.length > maxNamed ? ` and ${behind.length - maxNamed} more` : "";
      output.note(
        `weft: revision ${wanted} is not on ${named}${more} after ${timeoutMs / 1000} s; see weft status`,
      );
      return false;
    }
    await Bun.sleep(askEveryMs);
  }
}

/** Nothing of the revision is on its way to it any more; what is missing there it refuses. */
function hasAnswered({ answered = 0, rejections = [] }: ProxyStatus, revision: number): boolean {
  return answered >= revision && rejections.length > 0;
}

/** What was refused before that revision is no fault of it. */
function refusesIt({ rejections = [] }: ProxyStatus, revision: number): boolean {
  return rejections.some((each) => (each.revision ?? revision) >= revision);
}

function refusalText(proxy: ProxyStatus, revision: number): string {
  const { id, rejections = [] } = proxy;
  const own = rejections.filter((each) => (each.revision ?? revision) >= revision);
  const [first] = own.length > 0 ? own : rejections;
  const rest = rejections.length > 1 ? ` (and ${rejections.length - 1} more)` : "";
  const since = own.length > 0 ? "" : `, as before revision ${revision},`;
  return `weft: ${id} refuses${since} ${first?.resource ?? ""}${rest} and keeps what it had: ${first?.message ?? ""}`;
}

/** A proxy that is gone will get the revision when it is back; nothing is gained by waiting for it. */
function laggards(status: MeshStatus, revision: number): ProxyStatus[] {
  return status.proxies.filter((proxy) => proxy.connected && proxy.revision < revision);
}
