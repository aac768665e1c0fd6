/** The same as the drawing in rows: for those who read better than they look, and for sorting by any figure. */
import { useMemo } from "preact/hooks";
import { formatShare } from "../format/figures.ts";
import { type Column, DataTable } from "../parts/data-table.tsx";
import { durationColumn, errorColumn, rateColumn } from "../parts/figure-columns.ts";
import { ServiceLink } from "../parts/names.tsx";
import { Empty } from "../parts/states.tsx";
import { StatusMark, TlsMark } from "../parts/status.tsx";
import { matchesSearch } from "../parts/table-rows.ts";
import type { ViewEdge, ViewGraph } from "./view-graph.ts";

const columns: readonly Column<ViewEdge>[] = [
  {
    id: "level",
    title: "State",
    cell: ({ level }) => <StatusMark level={level} />,
    value: ({ errorShare }) => errorShare,
  },
  { id: "from", title: "Caller", cell: ({ from }) => <ServiceLink id={from} />, value: ({ from }) => from },
  { id: "to", title: "Called", cell: ({ to }) => <ServiceLink id={to} />, value: ({ to }) => to },
  rateColumn(({ perSecond }) => perSecond),
  errorColumn(({ errorShare }) => errorShare),
  durationColumn("p99", ({ p99Ms }) => p99Ms),
  {
    id: "tls",
    title: "Mutual TLS",
    isFigure: true,
    isMinor: true,
    cell: ({ mutualTlsShare }) => (
      <>
        <TlsMark isMutual={mutualTlsShare >= 1} /> {formatShare(mutualTlsShare)}
      </>
    ),
    value: ({ mutualTlsShare }) => mutualTlsShare,
  },
];

export function EdgeTable({ graph, search }: { readonly graph: ViewGraph; readonly search: string }) {
  const rows = useMemo(
    () => graph.edges.filter(({ from, to }) => matchesSearch(`${from} ${to}`, search)),
    [graph, search],
  );
  return (
    <DataTable
      label="Calls between services"
      columns={columns}
      rows={rows}
      keyOf={({ from, to }) => `${from}\t${to}`}
      sort={{ column: "rate", descending: true }}
      empty={<Empty title="No call matches" icon="search" />}
    />
  );
}
