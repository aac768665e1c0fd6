/** Where a service's requests go: each endpoint with its health, who keeps away from it, and its own figures. */
import type { EndpointView } from "../api/documents.ts";
import { none } from "../format/figures.ts";
import type { Level } from "../format/health.ts";
import { formatAgo } from "../format/times.ts";
import { type Column, DataTable } from "../parts/data-table.tsx";
import { durationColumn, errorColumn, rateColumn } from "../parts/figure-columns.ts";
import { Name } from "../parts/names.tsx";
import { Empty } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";

const isIdle = ({ requestsPerSecond }: EndpointView): boolean => requestsPerSecond === 0;

const columns: readonly Column<EndpointView>[] = [
  {
    id: "state",
    title: "State",
    cell: (row) => <State endpoint={row} />,
    value: ({ state, ejectedBy }) => (ejectedBy.length > 0 ? "a" : state),
  },
  {
    id: "workload",
    title: "Endpoint",
    cell: ({ workload, address, port }) => (
      <span class="two-lines">
        <Name text={workload} />
        <span class="quiet mono">
          {address}:{port}
        </span>
      </span>
    ),
    value: ({ workload }) => workload,
  },
  {
    id: "version",
    title: "Version",
    cell: ({ version }) => (version === "" ? none : <bdi class="chip">{version}</bdi>),
    value: ({ version }) => version,
  },
  {
    id: "locality",
    title: "Locality",
    isMinor: true,
    cell: ({ locality }) => <Name text={locality === "" ? none : locality} />,
    value: ({ locality }) => locality,
  },
  rateColumn(({ requestsPerSecond }) => requestsPerSecond),
  errorColumn((row) => (isIdle(row) ? undefined : 1 - row.successRate)),
  durationColumn("p50", (row) => (isIdle(row) ? undefined : row.p50Ms)),
  durationColumn("p99", (row) => (isIdle(row) ? undefined : row.p99Ms)),
];

const levels: Readonly<Record<EndpointView["state"], Level>> = { ready: "ok", draining: "note", dead: "bad" };

function State({ endpoint: { state, ejectedBy } }: { readonly endpoint: EndpointView }) {
  const [first] = ejectedBy;
  if (first === undefined) return <Status level={levels[state]}>{state}</Status>;
  const times = ejectedBy.map(({ untilMs }) => untilMs);
  // 0: no time is set; it is back once it is seen to be well.
  const back = times.includes(0) ? "once it is well" : formatAgo(Math.max(...times), Date.now());
  const who = ejectedBy.length === 1 ? first.proxy : `${ejectedBy.length} proxies`;
  return (
    <span class="two-lines">
      <Status level="bad">ejected</Status>
      <span class="quiet">
        by <bdi>{who}</bdi>: {first.reason}, back {back}
      </span>
    </span>
  );
}

export function EndpointTable({ endpoints }: { readonly endpoints: readonly EndpointView[] }) {
  return (
    <DataTable
      label="Endpoints"
      columns={columns}
      rows={endpoints}
      keyOf={({ workload, address, port }) => `${workload} ${address}:${port}`}
      sort={{ column: "rate", descending: true }}
      pageSize={12}
      empty={
        <Empty title="No endpoint" icon="bad">
          <p>
            No workload carries the labels that the service selects. <code>weft describe service</code> names
            both.
          </p>
        </Empty>
      }
    />
  );
}
