/** The three charts that tell how it goes: rate, errors, durations; with a mark where configuration changed. */
import { useMemo } from "preact/hooks";
import type { HistoryEntry, SignalsDocument } from "../api/documents.ts";
import { meshPath } from "../api/fetch-json.ts";
import { formatErrorShare, formatMs, formatRate } from "../format/figures.ts";
import { resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { type Mark, marksWithin } from "./change-marks.ts";
import { durationLine, errorLine, rateLine, timesOf } from "./signal-series.ts";
import { TimeChart } from "./time-chart.tsx";

export const historyPath = `${meshPath}/history?limit=100`;
/** Of the height of the error axis: half a percent at least. */
const minErrorTop = 0.005;

export function useMarks(signals: SignalsDocument | undefined): readonly Mark[] {
  const history = useDocument<{ readonly items: readonly HistoryEntry[] }>(historyPath, resourcesEveryMs);
  return useMemo(() => {
    if (signals === undefined || history.data === undefined) return [];
    const { fromMs, toMs, stepMs } = signals;
    return marksWithin(history.data.items, fromMs, toMs, stepMs / 2);
  }, [signals, history.data]);
}

export interface GoldenSignalsProps {
  readonly signals: SignalsDocument;
  readonly unit?: string;
}

export function GoldenSignals({ signals, unit = "Requests per second" }: GoldenSignalsProps) {
  const marks = useMarks(signals);
  const times = useMemo(() => timesOf(signals), [signals]);
  const lines = useMemo(() => {
    const [group] = signals.groups;
    if (group === undefined) return undefined;
    return {
      rate: [{ label: "rate", tone: "main", isArea: true, values: rateLine(group, signals.stepMs) }],
      errors: [{ label: "errors", tone: "bad", isArea: true, values: errorLine(group) }],
      durations: [
        { label: "p99", tone: "main", values: durationLine(group, "p99Ms") },
        { label: "p90", tone: "soft", values: durationLine(group, "p90Ms") },
        { label: "p50", tone: "faint", values: durationLine(group, "p50Ms") },
      ],
    } as const;
  }, [signals]);
  if (lines === undefined) return null;
  return (
    <div class="charts">
      <TimeChart title={unit} times={times} lines={lines.rate} marks={marks} format={formatRate} />
      <TimeChart
        title="Errors"
        times={times}
        lines={lines.errors}
        marks={marks}
        format={formatErrorShare}
        minTop={minErrorTop}
      />
      <TimeChart title="Duration" times={times} lines={lines.durations} marks={marks} format={formatMs} />
    </div>
  );
}
