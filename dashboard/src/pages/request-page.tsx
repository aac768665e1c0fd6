/** One request hop by hop: who passed it on, where the time went, and what each side saw. */
import { useMemo, useState } from "preact/hooks";
import { meshPath } from "../api/fetch-json.ts";
import { formatBytes, formatMs } from "../format/figures.ts";
import { formatDate } from "../format/times.ts";
import { useDocument } from "../live/use-document.ts";
import { questionPath } from "../explain/question.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Name, ServiceLink } from "../parts/names.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { Status, TlsMark } from "../parts/status.tsx";
import { readTapRecord, statusText, type TapHeader, type TapRecord } from "../requests/tap-record.ts";
import { type Hop, waterfallOf } from "../requests/waterfall.ts";
import { WaterfallChart } from "../requests/waterfall-chart.tsx";

export function RequestPage({ id }: { readonly id: string }) {
  const request = useDocument<{ readonly hops: readonly unknown[] }>(
    `${meshPath}/requests/${encodeURIComponent(id)}`,
    undefined,
  );
  const waterfall = useMemo(
    () => waterfallOf((request.data?.hops ?? []).flatMap((hop) => readTapRecord(hop) ?? [])),
    [request.data],
  );
  const [chosen, setChosen] = useState(0);
  const first = waterfall.hops[0];
  const hop = waterfall.hops[chosen] ?? first;
  const title = first === undefined ? "Request" : `${first.record.method} ${first.record.path}`.trim();
  return (
    <div class="page">
      <PageHead
        title={title}
        above={
          <>
            <a href="/requests">Requests</a> / <bdi class="mono">{id}</bdi>
          </>
        }
      >
        <a class="button" href={questionPath({ from: "", url: "", method: "GET", headers: "", id })}>
          Explain
        </a>
      </PageHead>
      <Loaded from={request} lines={6}>
        {() =>
          first === undefined || hop === undefined ? (
            <Empty title="Nothing is known of this request" icon="request">
              <p>Only requests that somebody watched are kept, the newest ones of them.</p>
            </Empty>
          ) : (
            <>
              <Summary first={first.record} totalUs={waterfall.totalUs} hops={waterfall.hops.length} />
              <Panel title="Where the time went">
                <WaterfallChart
                  waterfall={waterfall}
                  chosen={waterfall.hops.indexOf(hop)}
                  onChoose={setChosen}
                />
              </Panel>
              <HopDetail hop={hop} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}

function Summary({
  first,
  totalUs,
  hops,
}: {
  readonly first: TapRecord;
  readonly totalUs: number;
  readonly hops: number;
}) {
  return (
    <dl class="tiles">
      <div class="tile">
        <dt>Answer</dt>
        <dd>
          <Status
            level={first.status >= 500 || first.reason !== "" ? "bad" : first.status >= 400 ? "note" : "ok"}
          >
            {statusText(first)}
          </Status>
        </dd>
      </div>
      <div class="tile">
        <dt>Took</dt>
        <dd>{formatMs(totalUs / 1000)}</dd>
      </div>
      <div class="tile">
        <dt>Proxies that saw it</dt>
        <dd>{hops}</dd>
      </div>
      <div class="tile">
        <dt>Began</dt>
        <dd class="tile-text">{formatDate(first.startUs / 1000)}</dd>
      </div>
      {first.traceId !== "" && (
        <div class="tile wide">
          <dt>Trace</dt>
          <dd class="tile-text mono">
            <Name text={first.traceId} />
          </dd>
        </div>
      )}
    </dl>
  );
}

function HopDetail({ hop: { record, movedUs } }: { readonly hop: Hop }) {
  const facts: readonly (readonly [string, string])[] = [
    [
      "Seen by",
      `${record.proxy}, ${record.direction === "outbound" ? "the client's side" : "the server's side"}`,
    ],
    ["Caller", record.sourceIdentity === "" ? record.sourceWorkload : record.sourceIdentity],
    ["Endpoint", record.destinationWorkload],
    ["Version", record.destinationVersion],
    ["Protocol", record.protocol],
    ["Route", record.rule === "" ? record.route : `${record.route}, rule ${record.rule}`],
    ["Reason", record.reason === "" ? "" : `${record.reason} ${record.detail}`],
    ["Policy", record.policy],
    ["Sent", `${formatBytes(record.requestBytes)} there, ${formatBytes(record.responseBytes)} back`],
    ["Configuration", record.revision === 0 ? "" : `revision ${record.revision}`],
    [
      "Clock",
      movedUs === 0 ? "" : `moved by ${formatMs(Math.abs(movedUs) / 1000)}: it is off against its caller's`,
    ],
  ];
  return (
    <Panel title="This hop" aside={<TlsMark isMutual={record.isMutualTls} />}>
      <div class="columns">
        <dl class="facts">
          {record.destinationService !== "" && (
            <div>
              <dt>Service</dt>
              <dd>
                <ServiceLink id={record.destinationService} />
              </dd>
            </div>
          )}
          {facts
            .filter(([, value]) => value.trim() !== "")
            .map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <bdi>{value}</bdi>
                </dd>
              </div>
            ))}
        </dl>
        <div>
          <Headers title="Request headers" headers={record.requestHeaders} />
          <Headers title="Answer's headers" headers={record.responseHeaders} />
          {record.requestHeaders.length + record.responseHeaders.length === 0 && (
            <p class="quiet">
              Headers are kept where they are asked for: set the check mark before you watch.
            </p>
          )}
        </div>
      </div>
    </Panel>
  );
}

function Headers({ title, headers }: { readonly title: string; readonly headers: readonly TapHeader[] }) {
  if (headers.length === 0) return null;
  return (
    <section class="headers">
      <h3>{title}</h3>
      <dl class="facts mono">
        {headers.map(({ name, value }, index) => (
          <div key={`${index} ${name}`}>
            <dt>
              <bdi>{name}</bdi>
            </dt>
            <dd>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
