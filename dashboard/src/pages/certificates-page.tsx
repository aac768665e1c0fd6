/** Roots and certificates with their age, and what was revoked. */
import { useMemo, useState } from "preact/hooks";
import type { CertificatesStatus } from "../api/documents.ts";
import { meshPath } from "../api/fetch-json.ts";
import { formatAgo, formatDate, formatSpan } from "../format/times.ts";
import { resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { type Column, DataTable } from "../parts/data-table.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Name } from "../parts/names.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { SearchField } from "../parts/search-field.tsx";
import { Empty } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { certificateAge } from "./certificate-age.ts";
import { matchesSearch } from "../parts/table-rows.ts";

type Certificate = CertificatesStatus["certificates"][number];
type Revocation = CertificatesStatus["revoked"][number];

const columns: readonly Column<Certificate>[] = [
  {
    id: "state",
    title: "State",
    cell: (row) => {
      const { level, word } = certificateAge(row, Date.now());
      return <Status level={level}>{word}</Status>;
    },
    value: (row) => -certificateAge(row, Date.now()).used,
  },
  {
    id: "workload",
    title: "Workload",
    cell: ({ workload, identity }) => (
      <span class="two-lines">
        <Name text={workload} />
        <span class="quiet mono">
          <Name text={identity} />
        </span>
      </span>
    ),
    value: ({ workload }) => workload,
  },
  {
    id: "age",
    title: "Life used",
    cell: (row) => <Age certificate={row} />,
    value: (row) => certificateAge(row, Date.now()).used,
  },
  {
    id: "ends",
    title: "Ends",
    isFigure: true,
    cell: ({ notAfterMs }) => <time title={formatDate(notAfterMs)}>{formatAgo(notAfterMs, Date.now())}</time>,
    value: ({ notAfterMs }) => notAfterMs,
  },
  {
    id: "use",
    title: "In use",
    isMinor: true,
    cell: ({ inUse }) => (inUse ? "yes" : "no"),
    value: ({ inUse }) => (inUse ? 0 : 1),
  },
  {
    id: "serial",
    title: "Serial",
    isMinor: true,
    cell: ({ serial }) => <code title={serial}>{serial.slice(0, 12)}</code>,
    value: ({ serial }) => serial,
  },
];

function Age({ certificate }: { readonly certificate: Certificate }) {
  const { used, level } = certificateAge(certificate, Date.now());
  return (
    <span class="age">
      <svg
        class={`bar-share level-${level}`}
        viewBox="0 0 100 6"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <rect class="bar-all" width="100" height="6" rx="3" />
        <rect class="bar-part" width={used * 100} height="6" rx="3" />
      </svg>
      <span class="figure">{Math.round(used * 100)} %</span>
    </span>
  );
}

const revokedColumns: readonly Column<Revocation>[] = [
  {
    id: "workload",
    title: "Workload",
    cell: ({ workload }) => <Name text={workload === "" ? "by the plugged-in CA" : workload} />,
    value: ({ workload }) => workload,
  },
  { id: "reason", title: "Reason", cell: ({ reason }) => <Name text={reason} /> },
  {
    id: "when",
    title: "Revoked",
    isFigure: true,
    cell: ({ revokedMs }) => formatAgo(revokedMs, Date.now()),
    value: ({ revokedMs }) => revokedMs,
  },
  { id: "serial", title: "Serial", isMinor: true, cell: ({ serial }) => <code>{serial.slice(0, 12)}</code> },
];

export function CertificatesPage() {
  const [search, setSearch] = useState("");
  const certificates = useDocument<CertificatesStatus>(`${meshPath}/certificates`, resourcesEveryMs);
  const rows = useMemo(
    () =>
      (certificates.data?.certificates ?? []).filter(({ workload, identity, serial }) =>
        matchesSearch(`${workload} ${identity} ${serial}`, search),
      ),
    [certificates.data, search],
  );
  return (
    <div class="page">
      <PageHead title="Certificates">
        <SearchField label="Find a certificate" value={search} onChange={setSearch} />
      </PageHead>
      <Loaded from={certificates} lines={8}>
        {({ authorities, revoked }) => (
          <>
            <ul class="authorities" aria-label="Authorities">
              {authorities.map((authority) => (
                <li key={authority.fingerprint} class="card">
                  <p class="above">{authority.kind}</p>
                  <p class="card-title">
                    <Name text={authority.subject} />
                  </p>
                  <p class="card-line">
                    {authority.kind === "root" && (
                      <Status level={authority.trusted ? "ok" : "note"}>
                        {authority.trusted ? "trusted" : "not trusted"}
                      </Status>
                    )}
                    {authority.issuing && <span class="chip">issuing</span>}
                  </p>
                  <p class="quiet">
                    ends in {formatSpan(authority.notAfterMs - Date.now())} ·{" "}
                    <code title={authority.fingerprint}>{authority.fingerprint.slice(0, 16)}</code>
                  </p>
                </li>
              ))}
            </ul>
            <Panel title="Of workloads">
              <DataTable
                label="Certificates of workloads"
                columns={columns}
                rows={rows}
                keyOf={({ serial }) => serial}
                sort={{ column: "age", descending: true }}
                empty={
                  <Empty
                    title={search === "" ? "No certificate was issued yet" : "No certificate matches"}
                    icon="certificate"
                  />
                }
              />
            </Panel>
            {revoked.length > 0 && (
              <Panel title="Revoked">
                <DataTable
                  label="Revoked certificates"
                  columns={revokedColumns}
                  rows={revoked}
                  keyOf={({ serial }) => serial}
                  sort={{ column: "when", descending: true }}
                  pageSize={10}
                  empty={null}
                />
              </Panel>
            )}
          </>
        )}
      </Loaded>
    </div>
  );
}
