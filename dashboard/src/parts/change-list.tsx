/** What was changed, by whom and what for. */
import type { HistoryEntry } from "../api/documents.ts";
import { changesText } from "../charts/change-marks.ts";
import { formatAgo, formatDate } from "../format/times.ts";
import { Empty } from "./states.tsx";

export function ChangeList({ entries }: { readonly entries: readonly HistoryEntry[] }) {
  const nowMs = Date.now();
  if (entries.length === 0) {
    return (
      <Empty title="Nothing was changed yet" icon="clock">
        <p>
          <code>weft apply -f FILE -m "why"</code> makes the first entry.
        </p>
      </Empty>
    );
  }
  return (
    <ol class="changes">
      {entries.map((entry) => (
        <li key={entry.revision}>
          <span class="revision">{entry.revision}</span>
          <div>
            <p class="change-message">
              <bdi>{entry.message === "" ? changesText(entry) : entry.message}</bdi>
            </p>
            <p class="quiet">
              <bdi>{entry.author}</bdi> ·{" "}
              <time title={formatDate(entry.timeMs)}>{formatAgo(entry.timeMs, nowMs)}</time>
              {entry.message !== "" && ` · ${changesText(entry)}`}
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}
