/** Requests, newest first; frozen while somebody reads on a later page. */
import type { TapRecord } from "./tap-record.ts";
import { isFailed, statusText } from "./tap-record.ts";
import { formatMs } from "../format/figures.ts";
import { formatClock } from "../format/times.ts";
import { type Column, DataTable } from "../parts/data-table.tsx";
import { Name } from "../parts/names.tsx";
import { Status, TlsMark } from "../parts/status.tsx";
import { pathOf } from "../router.ts";

const columns: readonly Column<TapRecord>[] = [
  {
    id: "status",
    title: "Answer",
    cell: (record) => (
      <Status level={isFailed(record) ? "bad" : record.status >= 400 ? "note" : "ok"}>
        {statusText(record)}
      </Status>
    ),
  },
  {
    id: "time",
    title: "Time",
    cell: ({ startUs }) => <span class="figures">{formatClock(startUs / 1000)}</span>,
    isMinor: true,
  },
  {
    id: "request",
    title: "Request",
    cell: (record) => (
      <span class="two-lines">
        <RequestLink record={record} />
        <span class="quiet">
          <Name text={record.authority} /> {record.reason !== "" && <code>{record.reason}</code>}
        </span>
      </span>
    ),
  },
  {
    id: "source",
    title: "From",
    cell: ({ sourceWorkload, direction }) => (
      <Name text={sourceWorkload === "" ? `${direction}, unknown` : sourceWorkload} />
    ),
  },
  {
    id: "destination",
    title: "To",
    cell: ({ destinationWorkload, destinationService, destinationVersion }) => (
      <>
        <Name text={destinationService === "" ? destinationWorkload : destinationService} />
        {destinationVersion !== "" && <bdi class="chip">{destinationVersion}</bdi>}
      </>
    ),
  },
  { id: "tls", title: "TLS", isMinor: true, cell: ({ isMutualTls }) => <TlsMark isMutual={isMutualTls} /> },
  {
    id: "seenAt",
    title: "Seen by",
    isMinor: true,
    cell: ({ direction }) => (direction === "outbound" ? "client" : "server"),
  },
  {
    id: "tries",
    title: "Tries",
    isFigure: true,
    isMinor: true,
    cell: ({ tries }) => Math.max(1, tries.length),
  },
  { id: "took", title: "Took", isFigure: true, cell: ({ endUs }) => formatMs(endUs / 1000) },
];

function RequestLink({
  record: { requestId, method, path, query, protocol },
}: {
  readonly record: TapRecord;
}) {
  const text = method === "" ? protocol : `${method} ${path}${query === "" ? "" : `?${query}`}`;
  if (requestId === "") return <Name text={text} />;
  return (
    <a class="mono" href={pathOf("requests", requestId)}>
      <Name text={text} />
    </a>
  );
}

export function RecordTable({ records }: { readonly records: readonly TapRecord[] }) {
  return (
    <DataTable
      label="Requests"
      columns={columns}
      rows={records}
      keyOf={({ requestId, proxy, direction, startUs }) => `${requestId} ${proxy} ${direction} ${startUs}`}
      pageSize={40}
      empty={null}
    />
  );
}
