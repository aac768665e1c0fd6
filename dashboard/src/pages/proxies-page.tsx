/** Every proxy with the revision that it runs, and what it refused. */
import { useMemo, useState } from "preact/hooks";
import type { MeshStatus, ProxyStatus } from "../api/documents.ts";
import { meshPath } from "../api/fetch-json.ts";
import type { Level } from "../format/health.ts";
import { formatSpan } from "../format/times.ts";
import { resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { type Column, DataTable } from "../parts/data-table.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Name } from "../parts/names.tsx";
import { PageHead } from "../parts/panel.tsx";
import { SearchField } from "../parts/search-field.tsx";
import { Empty } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { matchesSearch } from "../parts/table-rows.ts";
import { proxyState } from "./proxy-state.ts";
import { none } from "../format/figures.ts";

interface Row extends ProxyStatus {
  readonly level: Level;
  readonly word: string;
}

const levelValue: Readonly<Record<Level, number>> = { bad: 0, note: 1, none: 2, ok: 3 };
const columns: readonly Column<Row>[] = [
  {
    id: "state",
    title: "State",
    cell: ({ level, word }) => <Status level={level}>{word}</Status>,
    value: ({ level, word }) => `${levelValue[level]} ${word}`,
  },
  {
    id: "workload",
    title: "Workload",
    cell: ({ workload, id, rejections }) => (
      <span class="two-lines">
        <Name text={workload === "" ? id : workload} />
        {(rejections ?? []).map(({ resource, message }) => (
          <span key={resource} class="quiet wrap">
            <bdi>{resource}</bdi>: <bdi>{message}</bdi>
          </span>
        ))}
      </span>
    ),
    value: ({ workload }) => workload,
  },
  { id: "role", title: "Role", cell: ({ role }) => role, value: ({ role }) => role, isMinor: true },
  {
    id: "revision",
    title: "Revision",
    isFigure: true,
    cell: ({ revision }) => revision,
    value: ({ revision }) => revision,
  },
  {
    id: "version",
    title: "Version",
    isMinor: true,
    cell: ({ version }) => version ?? none,
    value: ({ version }) => version,
  },
  {
    id: "address",
    title: "Address",
    isMinor: true,
    cell: ({ address }) => <span class="mono">{address ?? none}</span>,
    value: ({ address }) => address,
  },
  {
    id: "subscriptions",
    title: "Subscriptions",
    isFigure: true,
    isMinor: true,
    cell: ({ subscriptions }) => subscriptions ?? none,
    value: ({ subscriptions }) => subscriptions,
  },
];

export function ProxiesPage() {
  const [search, setSearch] = useState("");
  const status = useDocument<MeshStatus>(`${meshPath}/status`, resourcesEveryMs);
  const rows = useMemo(() => {
    const { proxies = [], compiledRevision = 0 } = status.data ?? {};
    return proxies
      .filter((proxy) =>
        matchesSearch(`${proxy.workload} ${proxy.role} ${proxy.identity} ${proxy.address ?? ""}`, search),
      )
      .map((proxy): Row => ({ ...proxy, ...proxyState(proxy, compiledRevision) }));
  }, [status.data, search]);
  return (
    <div class="page">
      <PageHead title="Proxies">
        <SearchField label="Find a proxy" value={search} onChange={setSearch} />
      </PageHead>
      <Loaded from={status} lines={8}>
        {(document) => (
          <>
            <p class="lead">
              The mesh is at revision <b>{document.compiledRevision}</b>
              {document.compiledRevision < document.revision && `; ${document.revision} is being compiled`}.
              The control plane runs version <b>{document.version}</b> for{" "}
              {formatSpan(Date.now() - document.startTimeMs)}.
              {document.isLivenessFrozen &&
                " Too many workloads fell silent at once, so none of them is taken out."}
            </p>
            <DataTable
              label="Proxies"
              columns={columns}
              rows={rows}
              keyOf={({ id }) => id}
              sort={{ column: "state", descending: false }}
              empty={
                <Empty title={search === "" ? "No proxy has come yet" : "No proxy matches"} icon="proxy">
                  {search === "" && (
                    <p>
                      <code>weft up</code> starts one beside each program; elsewhere <code>weft proxy</code>{" "}
                      does.
                    </p>
                  )}
                </Empty>
              }
            />
          </>
        )}
      </Loaded>
    </div>
  );
}
