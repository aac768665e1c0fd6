/** Services with their figures, a row each. */
import type { ServiceSummary } from "../api/documents.ts";
import { levelOfService, levelOfSuccess } from "../format/health.ts";
import { formatErrorShare, formatShare, none } from "../format/figures.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { durationColumn, rateColumn } from "./figure-columns.ts";
import { ServiceLink } from "./names.tsx";
import { Sparkline } from "./sparkline.tsx";
import { Empty } from "./states.tsx";
import { StatusMark, TlsMark } from "./status.tsx";

const levelValue: Readonly<Record<string, number>> = { bad: 0, note: 1, ok: 2, none: 3 };
const isIdle = ({ requestsPerSecond }: ServiceSummary): boolean => requestsPerSecond === 0;

const short: readonly Column<ServiceSummary>[] = [
  {
    id: "level",
    title: "State",
    cell: (row) => <StatusMark level={levelOfService(row)} />,
    value: (row) => levelValue[levelOfService(row)],
  },
  {
    id: "name",
    title: "Service",
    cell: ({ namespace, name }) => <ServiceLink id={`${namespace}/${name}`} />,
    value: ({ name }) => name,
  },
  {
    id: "history",
    title: "Last minutes",
    isMinor: true,
    cell: ({ history }) => <Sparkline values={history} />,
  },
  rateColumn(({ requestsPerSecond }) => requestsPerSecond),
  {
    id: "errors",
    title: "Errors",
    isFigure: true,
    cell: (row) =>
      isIdle(row) ? (
        none
      ) : (
        <span class={`text-${levelOfSuccess(row.successRate, row.requestsPerSecond)}`}>
          {formatErrorShare(1 - row.successRate)}
        </span>
      ),
    value: (row) => (isIdle(row) ? undefined : 1 - row.successRate),
  },
  durationColumn("p99", (row) => (isIdle(row) ? undefined : row.p99Ms)),
];

const long: readonly Column<ServiceSummary>[] = [
  ...short.slice(0, -1),
  durationColumn("p50", (row) => (isIdle(row) ? undefined : row.p50Ms)),
  ...short.slice(-1),
  {
    id: "ready",
    title: "Ready",
    isFigure: true,
    isMinor: true,
    cell: ({ ready, workloads }) => `${ready} / ${workloads}`,
    value: ({ ready, workloads }) => (workloads === 0 ? 1 : ready / workloads),
  },
  {
    id: "versions",
    title: "Versions",
    isMinor: true,
    cell: ({ versions }) => (
      <span class="chips">
        {versions.map((version) => (
          <bdi key={version} class="chip">
            {version}
          </bdi>
        ))}
      </span>
    ),
  },
  {
    id: "tls",
    title: "Mutual TLS",
    isFigure: true,
    isMinor: true,
    cell: (row) =>
      isIdle(row) ? (
        none
      ) : (
        <>
          <TlsMark isMutual={row.mutualTlsShare >= 1} /> {formatShare(row.mutualTlsShare)}
        </>
      ),
    value: (row) => (isIdle(row) ? undefined : row.mutualTlsShare),
  },
];

export interface ServiceTableProps {
  readonly label: string;
  readonly rows: readonly ServiceSummary[];
  readonly isShort?: boolean;
}

export function ServiceTable({ label, rows, isShort = false }: ServiceTableProps) {
  return (
    <DataTable
      label={label}
      columns={isShort ? short : long}
      rows={rows}
      keyOf={({ namespace, name, kind }) => `${kind} ${namespace}/${name}`}
      sort={{ column: "rate", descending: true }}
      empty={
        <Empty title="No service here" icon="service">
          <p>
            Services come with <code>weft apply -f</code>, or with a Program of <code>weft up</code>.
          </p>
        </Empty>
      }
    />
  );
}
