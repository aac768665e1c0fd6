/** The first page, and the one for the wall: is the mesh well, what needs a look, how much goes through it, what changed. */
import { useMemo } from "preact/hooks";
import type {
  FindingsDocument,
  HistoryEntry,
  MeshStatus,
  ServicesDocument,
  SignalsDocument,
} from "../api/documents.ts";
import { meshPath, withQuery } from "../api/fetch-json.ts";
import { GoldenSignals, historyPath } from "../charts/golden-signals.tsx";
import { signalsSource } from "../charts/signal-series.ts";
import { formatErrorShare, formatMs, formatRate, formatShare, none } from "../format/figures.ts";
import { figuresEveryMs, resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { ChangeList } from "../parts/change-list.tsx";
import { FindingList } from "../parts/finding-list.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { ServiceTable } from "../parts/service-table.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { Empty } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { usePreferences } from "../preferences.ts";
import { meshHealth, meshTotals } from "./mesh-health.ts";

const topServices = 8;
const latestChanges = 6;

export function OverviewPage() {
  const { windowSeconds } = usePreferences();
  const status = useDocument<MeshStatus>(`${meshPath}/status`, resourcesEveryMs);
  const services = useDocument<ServicesDocument>(
    withQuery(`${meshPath}/services`, { window: windowSeconds }),
    figuresEveryMs,
  );
  const findings = useDocument<FindingsDocument>(`${meshPath}/findings`, resourcesEveryMs);
  const history = useDocument<{ readonly items: readonly HistoryEntry[] }>(historyPath, resourcesEveryMs);
  const source = useMemo(() => signalsSource({}, windowSeconds), [windowSeconds]);
  const signals = useDocument<SignalsDocument>(source, figuresEveryMs);
  const health = useMemo(
    () => meshHealth(services.data?.items ?? [], findings.data?.items ?? []),
    [services.data, findings.data],
  );
  const busiest = useMemo(
    () =>
      (services.data?.items ?? [])
        .toSorted((a, b) => b.requestsPerSecond - a.requestsPerSecond)
        .slice(0, topServices),
    [services.data],
  );
  return (
    <div class="page">
      <PageHead title="Overview">
        {services.data !== undefined && (
          <p class={`verdict ${health.level}`} role="status">
            <Status level={health.level}>{health.sentence}</Status>
          </p>
        )}
      </PageHead>
      <Loaded from={services} lines={2}>
        {({ items }) => <Tiles services={items} status={status.data} />}
      </Loaded>
      <Loaded from={signals} lines={6}>
        {(document) =>
          document.groups.length === 0 ? (
            <NoChart isBusy={busiest.some(({ requestsPerSecond }) => requestsPerSecond > 0)} />
          ) : (
            <GoldenSignals signals={document} />
          )
        }
      </Loaded>
      <div class="columns wide-left">
        <Panel title="Busiest services" aside={<a href="/services">All services</a>}>
          <Loaded from={services}>
            {() => <ServiceTable label="Busiest services" rows={busiest} isShort />}
          </Loaded>
        </Panel>
        <div class="stack">
          <Panel title="Findings">
            <Loaded from={findings}>{({ items }) => <FindingList findings={items} />}</Loaded>
          </Panel>
          <Panel title="Latest changes" aside={<a href="/changes">All changes</a>}>
            <Loaded from={history}>
              {({ items }) => <ChangeList entries={items.slice(0, latestChanges)} />}
            </Loaded>
          </Panel>
        </div>
      </div>
    </div>
  );
}

/** A mesh that has just begun has traffic, and no whole step of it yet. */
function NoChart({ isBusy }: { readonly isBusy: boolean }) {
  return isBusy ? (
    <Empty title="Counting the first requests" icon="request">
      <p>Charts are drawn in whole steps; the first is here in some seconds.</p>
    </Empty>
  ) : (
    <Empty title="No request in this window" icon="request">
      <p>The charts begin with the first request that passes a proxy.</p>
    </Empty>
  );
}

function Tiles({
  services,
  status,
}: {
  readonly services: ServicesDocument["items"];
  readonly status: MeshStatus | undefined;
}) {
  const totals = useMemo(() => meshTotals(services), [services]);
  const proxies = status?.proxies ?? [];
  const connected = proxies.filter(({ connected }) => connected);
  const current = connected.filter(({ revision }) => revision >= (status?.compiledRevision ?? 0));
  return (
    <dl class="tiles">
      <div class="tile">
        <dt>Requests per second</dt>
        <dd>
          {formatRate(totals.perSecond)}
          <Sparkline values={totals.history} width={84} height={28} />
        </dd>
      </div>
      <div class="tile">
        <dt>Errors</dt>
        <dd class={`text-${totals.level}`}>{formatErrorShare(totals.errorShare)}</dd>
      </div>
      <div class="tile">
        <dt>Slowest p99</dt>
        <dd>
          {totals.slowest === undefined ? none : formatMs(totals.slowest.p99Ms)}
          {totals.slowest !== undefined && <bdi class="tile-note">{totals.slowest.name}</bdi>}
        </dd>
      </div>
      <div class="tile">
        <dt>Mutual TLS</dt>
        <dd>{formatShare(totals.mutualTlsShare)}</dd>
      </div>
      <div class="tile">
        <dt>Proxies up to date</dt>
        <dd>
          {status === undefined ? none : current.length.toLocaleString()}
          {status !== undefined && (
            <span class="tile-note">
              of {connected.length.toLocaleString()}
              {proxies.length > connected.length && `, ${proxies.length - connected.length} away`}
            </span>
          )}
        </dd>
      </div>
    </dl>
  );
}
