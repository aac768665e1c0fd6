/** One service: how it goes over time, who calls it and whom it calls, its versions, endpoints, routes and policies. */
import { useMemo } from "preact/hooks";
import type { ServiceViewDocument, SignalsDocument } from "../api/documents.ts";
import { meshPath, withQuery } from "../api/fetch-json.ts";
import { GoldenSignals } from "../charts/golden-signals.tsx";
import { signalsSource } from "../charts/signal-series.ts";
import { formatErrorShare, formatMs, formatRate, formatShare, none } from "../format/figures.ts";
import { levelOfService, levelOfSuccess } from "../format/health.ts";
import { figuresEveryMs, useDocument } from "../live/use-document.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { Status, TlsMark } from "../parts/status.tsx";
import { usePreferences } from "../preferences.ts";
import { CallerTable } from "../service/caller-table.tsx";
import { EndpointTable } from "../service/endpoint-table.tsx";
import { AppliedPolicies, AppliedRoutes } from "../service/rules.tsx";
import { Versions } from "../service/versions.tsx";

export interface ServicePageProps {
  readonly namespace: string;
  readonly name: string;
}

export function ServicePage({ namespace, name }: ServicePageProps) {
  const { windowSeconds } = usePreferences();
  const id = `${namespace}/${name}`;
  const path = `${meshPath}/serviceviews/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
  const view = useDocument<ServiceViewDocument>(withQuery(path, { window: windowSeconds }), figuresEveryMs);
  const source = useMemo(() => signalsSource({ service: id }, windowSeconds), [id, windowSeconds]);
  const signals = useDocument<SignalsDocument>(source, figuresEveryMs);
  return (
    <div class="page">
      <PageHead
        title={name}
        above={
          <>
            <a href="/services">Services</a> / <bdi>{namespace}</bdi>
          </>
        }
      >
        <a class="button" href={withQuery("/topology", { focus: id })}>
          In the topology
        </a>
        <a class="button" href={withQuery("/requests", { service: id })}>
          Watch requests
        </a>
      </PageHead>
      <Loaded from={view} lines={3}>
        {(document) => <Summary view={document} />}
      </Loaded>
      <Loaded from={signals} lines={6}>
        {(document) =>
          document.groups.every(({ totals }) => totals.count === 0) ? (
            <Empty title="No request in this window" icon="request">
              <p>Take a longer window, or see below whether it has endpoints that are ready.</p>
            </Empty>
          ) : (
            <GoldenSignals signals={document} />
          )
        }
      </Loaded>
      {view.data !== undefined && <Details id={id} view={view.data} windowSeconds={windowSeconds} />}
    </div>
  );
}

function Summary({ view: { service } }: { readonly view: ServiceViewDocument }) {
  const isIdle = service.requestsPerSecond === 0;
  const level = levelOfService(service);
  return (
    <dl class="tiles">
      <div class="tile">
        <dt>State</dt>
        <dd>
          <Status level={level} />
        </dd>
      </div>
      <div class="tile">
        <dt>Requests/s</dt>
        <dd>{formatRate(service.requestsPerSecond)}</dd>
      </div>
      <div class="tile">
        <dt>Errors</dt>
        <dd class={`text-${levelOfSuccess(service.successRate, service.requestsPerSecond)}`}>
          {isIdle ? none : formatErrorShare(1 - service.successRate)}
        </dd>
      </div>
      <div class="tile">
        <dt>p99</dt>
        <dd>
          {isIdle ? none : formatMs(service.p99Ms)}
          {!isIdle && <span class="tile-note">p50 {formatMs(service.p50Ms)}</span>}
        </dd>
      </div>
      <div class="tile">
        <dt>Endpoints ready</dt>
        <dd>
          {service.ready} / {service.workloads}
        </dd>
      </div>
      <div class="tile">
        <dt>Mutual TLS</dt>
        <dd>
          {isIdle ? (
            none
          ) : (
            <>
              <TlsMark isMutual={service.mutualTlsShare >= 1} /> {formatShare(service.mutualTlsShare)}
            </>
          )}
        </dd>
      </div>
    </dl>
  );
}

interface DetailsProps {
  readonly id: string;
  readonly view: ServiceViewDocument;
  readonly windowSeconds: number;
}

function Details({ id, view, windowSeconds }: DetailsProps) {
  return (
    <>
      <div class="columns">
        <Panel title="Callers">
          <CallerTable label="Callers" edges={view.callers} far="source" />
        </Panel>
        <Panel title="Calls">
          <CallerTable label="Calls" edges={view.callees} far="destination" />
        </Panel>
      </div>
      {view.service.versions.length > 0 && (
        <Panel title="Versions side by side">
          <Versions service={id} windowSeconds={windowSeconds} endpoints={view.endpoints} />
        </Panel>
      )}
      <Panel title="Endpoints">
        <EndpointTable endpoints={view.endpoints} />
      </Panel>
      <div class="columns">
        <Panel title="Routes">
          <AppliedRoutes routes={view.routes} />
        </Panel>
        <Panel title="Policies">
          <AppliedPolicies policies={view.policies} />
        </Panel>
      </div>
    </>
  );
}
