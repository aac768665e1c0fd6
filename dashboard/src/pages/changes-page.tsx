/** Every commit: when, who, what for, and which objects. */
import { useMemo, useState } from "preact/hooks";
import type { HistoryEntry } from "../api/documents.ts";
import { meshPath } from "../api/fetch-json.ts";
import { formatAgo, formatDate } from "../format/times.ts";
import { resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Name } from "../parts/names.tsx";
import { PageHead } from "../parts/panel.tsx";
import { SearchField } from "../parts/search-field.tsx";
import { Empty } from "../parts/states.tsx";
import { matchesSearch } from "../parts/table-rows.ts";
import { objectPath } from "../resources/families.ts";

const step = 100;
const most = 1_000;
const maxObjects = 12;

export function ChangesPage() {
  const [search, setSearch] = useState("");
  const [limit, setLimit] = useState(step);
  const history = useDocument<{ readonly items: readonly HistoryEntry[] }>(
    `${meshPath}/history?limit=${limit}`,
    resourcesEveryMs,
  );
  const entries = useMemo(
    () =>
      (history.data?.items ?? []).filter(({ revision, author, message, changes }) =>
        matchesSearch(
          `${revision} ${author} ${message} ${changes.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`).join(" ")}`,
          search,
        ),
      ),
    [history.data, search],
  );
  return (
    <div class="page">
      <PageHead title="Changes">
        <SearchField label="Find by author, message or object" value={search} onChange={setSearch} />
      </PageHead>
      <Loaded from={history} lines={8}>
        {({ items }) => (
          <>
            {entries.length === 0 && (
              <Empty title={search === "" ? "Nothing was changed yet" : "No change matches"} icon="clock">
                {search === "" && (
                  <p>
                    <code>weft apply -f FILE -m "why"</code> makes the first entry.
                  </p>
                )}
              </Empty>
            )}
            <ol class="timeline">
              {entries.map((entry) => (
                <Change key={entry.revision} entry={entry} />
              ))}
            </ol>
            {items.length >= limit && limit < most && (
              <p>
                <button class="button" onClick={() => setLimit(limit + step)}>
                  Show older ones
                </button>
              </p>
            )}
          </>
        )}
      </Loaded>
    </div>
  );
}

function Change({ entry }: { readonly entry: HistoryEntry }) {
  const { revision, timeMs, author, message, changes } = entry;
  return (
    <li>
      <span class="revision">{revision}</span>
      <div>
        <p class="change-message">
          <bdi>{message === "" ? "No message" : message}</bdi>
        </p>
        <p class="quiet">
          <bdi>{author}</bdi> · <time title={formatDate(timeMs)}>{formatAgo(timeMs, Date.now())}</time>
        </p>
        <ul class="change-objects">
          {changes.slice(0, maxObjects).map(({ kind, namespace, name, outcome }) => {
            const path = outcome === "deleted" ? undefined : objectPath(kind, namespace, name);
            const label = <Name text={namespace === "" ? name : `${namespace}/${name}`} />;
            return (
              <li key={`${kind} ${namespace}/${name}`}>
                <span class={`outcome ${outcome}`}>{outcome}</span> {kind}{" "}
                {path === undefined ? label : <a href={path}>{label}</a>}
              </li>
            );
          })}
          {changes.length > maxObjects && <li class="quiet">and {changes.length - maxObjects} more</li>}
        </ul>
      </div>
    </li>
  );
}
