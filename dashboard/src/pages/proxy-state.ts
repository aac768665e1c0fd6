/** Whether a proxy runs what the mesh runs. */
import type { ProxyStatus } from "../api/documents.ts";
import type { Level } from "../format/health.ts";

export function proxyState(
  proxy: ProxyStatus,
  compiledRevision: number,
): { readonly level: Level; readonly word: string } {
  if ((proxy.rejections ?? []).length > 0) return { level: "bad", word: "refuses" };
  if (!proxy.connected) return { level: "bad", word: "away" };
  if (proxy.revision < compiledRevision)
    return { level: "note", word: `${compiledRevision - proxy.revision} behind` };
  return { level: "ok", word: "up to date" };
}
