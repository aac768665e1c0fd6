/** Versions of a service in the same charts: which one fails more, which one is slower. */
import { useMemo } from "preact/hooks";
import type { EndpointView, SignalsDocument } from "../api/documents.ts";
import { useMarks } from "../charts/golden-signals.tsx";
import { versionTones } from "../charts/chart-theme.ts";
import {
  durationLine,
  errorLine,
  rateLine,
  signalsSource,
  summaryOf,
  timesOf,
} from "../charts/signal-series.ts";
import { type ChartLine, TimeChart } from "../charts/time-chart.tsx";
import { formatErrorShare, formatMs, formatRate } from "../format/figures.ts";
import { levelOfSuccess } from "../format/health.ts";
import { figuresEveryMs, useDocument } from "../live/use-document.ts";
import { Loaded } from "../parts/loaded.tsx";
import { StatusMark } from "../parts/status.tsx";

export interface VersionsProps {
  readonly service: string;
  readonly windowSeconds: number;
  readonly endpoints: readonly EndpointView[];
}

const most = versionTones.length;

export function Versions({ service, windowSeconds, endpoints }: VersionsProps) {
  const source = useMemo(
    () => signalsSource({ service, by: "version" }, windowSeconds),
    [service, windowSeconds],
  );
  const signals = useDocument<SignalsDocument>(source, figuresEveryMs);
  return (
    <Loaded from={signals} lines={5}>
      {(document) => <Charts signals={document} endpoints={endpoints} />}
    </Loaded>
  );
}

function Charts({
  signals,
  endpoints,
}: {
  readonly signals: SignalsDocument;
  readonly endpoints: readonly EndpointView[];
}) {
  const marks = useMarks(signals);
  const times = useMemo(() => timesOf(signals), [signals]);
  const groups = useMemo(
    () => signals.groups.toSorted((a, b) => (a.key < b.key ? -1 : 1)).slice(0, most),
    [signals],
  );
  const lines = useMemo(() => {
    const each = (values: (group: (typeof groups)[number]) => ChartLine["values"]): ChartLine[] =>
      groups.map((group, index) => ({
        label: nameOf(group.key),
        tone: versionTones[index] ?? "a",
        values: values(group),
      }));
    return {
      rate: each((group) => rateLine(group, signals.stepMs)),
      errors: each(errorLine),
      p99: each((group) => durationLine(group, "p99Ms")),
    };
  }, [groups, signals.stepMs]);
  const windowMs = signals.toMs - signals.fromMs;
  return (
    <>
      <div class="charts">
        <TimeChart
          title="Requests per second"
          times={times}
          lines={lines.rate}
          marks={marks}
          format={formatRate}
          height={150}
        />
        <TimeChart
          title="Errors"
          times={times}
          lines={lines.errors}
          marks={marks}
          format={formatErrorShare}
          minTop={0.005}
          height={150}
        />
        <TimeChart title="p99" times={times} lines={lines.p99} marks={marks} format={formatMs} height={150} />
      </div>
      <div class="table-frame" role="region" aria-label="Versions" tabIndex={0}>
        <table>
          <caption class="unseen">Versions</caption>
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Version</th>
              <th scope="col" class="figure">
                Endpoints
              </th>
              <th scope="col" class="figure">
                Requests/s
              </th>
              <th scope="col" class="figure">
                Errors
              </th>
              <th scope="col" class="figure">
                p50
              </th>
              <th scope="col" class="figure">
                p99
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group, index) => {
              const { perSecond, errorShare, p50Ms, p99Ms } = summaryOf(group, windowMs);
              return (
                <tr key={group.key}>
                  <td>
                    <StatusMark level={levelOfSuccess(1 - errorShare, perSecond)} />
                  </td>
                  <td>
                    <span class={`swatch tone-${versionTones[index] ?? "a"}`} aria-hidden="true" />{" "}
                    <bdi>{nameOf(group.key)}</bdi>
                  </td>
                  <td class="figure">{endpoints.filter(({ version }) => version === group.key).length}</td>
                  <td class="figure">{formatRate(perSecond)}</td>
                  <td class="figure">{formatErrorShare(errorShare)}</td>
                  <td class="figure">{formatMs(p50Ms)}</td>
                  <td class="figure">{formatMs(p99Ms)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}

function nameOf(version: string): string {
  return version === "" ? "no version" : version;
}
