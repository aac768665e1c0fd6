/** Callers or callees of a service, added up over ports, routes and protocols. */
import { useMemo } from "preact/hooks";
import type { TopologyEdge } from "../api/documents.ts";
import { levelOfSuccess } from "../format/health.ts";
import { type Column, DataTable } from "../parts/data-table.tsx";
import { durationColumn, errorColumn, rateColumn } from "../parts/figure-columns.ts";
import { ServiceLink } from "../parts/names.tsx";
import { Empty } from "../parts/states.tsx";
import { addUpCalls, type CallRow } from "./calls.ts";
import { StatusMark, TlsMark } from "../parts/status.tsx";

export interface CallerTableProps {
  readonly label: string;
  readonly edges: readonly TopologyEdge[];
  readonly far: "source" | "destination";
}

const shareOf = ({ count, failures }: CallRow): number => (count === 0 ? 0 : failures / count);
const columns: readonly Column<CallRow>[] = [
  {
    id: "level",
    title: "State",
    cell: (row) => <StatusMark level={levelOfSuccess(1 - shareOf(row), row.count)} />,
    value: shareOf,
  },
  { id: "name", title: "Service", cell: ({ id }) => <ServiceLink id={id} />, value: ({ id }) => id },
  { id: "tls", title: "TLS", cell: ({ isMutualTls }) => <TlsMark isMutual={isMutualTls} /> },
  rateColumn(({ perSecond }) => perSecond),
  errorColumn(shareOf),
  durationColumn("p99", ({ p99Ms }) => p99Ms),
];

export function CallerTable({ label, edges, far }: CallerTableProps) {
  const rows = useMemo(() => addUpCalls(edges, far), [edges, far]);
  return (
    <DataTable
      label={label}
      columns={columns}
      rows={rows}
      keyOf={({ id }) => id}
      sort={{ column: "rate", descending: true }}
      pageSize={10}
      empty={
        <Empty
          title={far === "source" ? "Nobody called it in this window" : "It called nobody in this window"}
        />
      }
    />
  );
}
