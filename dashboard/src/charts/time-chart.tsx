/** One chart over time with its legend: values where the pointer is, otherwise the newest; changes of configuration on hover. */
import uPlot from "uplot";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { formatAgo, formatClock } from "../format/times.ts";
import { changesText, type Mark, markAt } from "./change-marks.ts";
import { onThemeChange, readColours } from "./chart-theme.ts";
import { plotOptions, type PlotSeries } from "./plot-options.ts";
import { describeLine, type Line } from "./signal-series.ts";

export interface ChartLine extends PlotSeries {
  readonly values: Line;
}

export interface TimeChartProps {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly marks: readonly Mark[];
  readonly format: (value: number) => string;
  readonly minTop?: number;
  readonly height?: number;
}

interface Pointed {
  readonly index: number | undefined;
  readonly mark: Mark | undefined;
  readonly left: number;
  readonly isAtEnd: boolean;
}

const nowhere: Pointed = { index: undefined, mark: undefined, left: 0, isAtEnd: false };
const markReachPx = 7;

export function TimeChart({ title, times, lines, marks, format, minTop = 0, height = 190 }: TimeChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const current = useRef({ times, lines, marks });
  current.current = { times, lines, marks };
  const [pointed, setPointed] = useState(nowhere);
  const titleId = useId();
  // A new set of lines is a new plot; new values of the same lines are not.
  const shape = lines.map(({ label, tone }) => `${tone} ${label}`).join("\n");

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const build = (): void => {
      plot.current?.destroy();
      const input = {
        series: current.current.lines,
        colours: readColours(element),
        width: Math.max(120, element.clientWidth),
        height,
        format,
        minTop,
        marks: () => current.current.marks,
        onCursor: (at: uPlot) => setPointed(pointedAt(at, current.current.marks)),
      };
      plot.current = new uPlot(plotOptions(input), dataOf(current.current), element);
    };
    build();
    const endTheme = onThemeChange(build);
    const resized = new ResizeObserver(() => {
      const width = Math.max(120, element.clientWidth);
      if (plot.current !== undefined && plot.current.width !== width) plot.current.setSize({ width, height });
    });
    resized.observe(element);
    return () => {
      endTheme();
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape, height, format, minTop]);

  useEffect(() => plot.current?.setData(dataOf({ times, lines })), [times, lines, marks]);

  const description = useMemo(
    () => lines.map((line) => describeLine(line.label, line.values, format)).join("; "),
    [lines, format],
  );
  const shownAt = pointed.index === undefined ? undefined : times[pointed.index];
  return (
    <figure class="chart" aria-labelledby={titleId}>
      <figcaption>
        <span class="chart-title" id={titleId}>
          {title}
        </span>
        <span class="chart-time">{shownAt === undefined ? "" : formatClock(shownAt * 1000)}</span>
        <ul class="legend">
          {lines.map((line) => (
            <li key={line.label}>
              <span class={`swatch tone-${line.tone}`} aria-hidden="true" />
              <bdi>{line.label}</bdi>
              <b>{valueText(line.values, pointed.index, format)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot" ref={place} role="img" aria-label={`${title}. ${description}`} />
      {pointed.mark !== undefined && (
        <MarkNote mark={pointed.mark} left={pointed.left} isAtEnd={pointed.isAtEnd} />
      )}
    </figure>
  );
}

function MarkNote({
  mark,
  left,
  isAtEnd,
}: {
  readonly mark: Mark;
  readonly left: number;
  readonly isAtEnd: boolean;
}) {
  const newest = mark.entries.at(-1);
  if (newest === undefined) return null;
  return (
    <div class={isAtEnd ? "mark-note at-end" : "mark-note"} style={{ left: `${left}px` }} role="status">
      <p>
        <b>Revision {newest.revision}</b> by <bdi>{newest.author}</bdi>, {formatAgo(mark.timeMs, Date.now())}
      </p>
      <p>
        <bdi>{newest.message === "" ? changesText(newest) : newest.message}</bdi>
      </p>
      {newest.message !== "" && <p class="quiet">{changesText(newest)}</p>}
      {mark.entries.length > 1 && <p class="quiet">and {mark.entries.length - 1} more at that time</p>}
    </div>
  );
}

function pointedAt(plot: uPlot, marks: readonly Mark[]): Pointed {
  const { left = -1, idx } = plot.cursor;
  if (left < 0) return nowhere;
  const mark = markAt(marks, left, (timeMs) => plot.valToPos(timeMs / 1000, "x"), markReachPx);
  const offset = plot.over.offsetLeft;
  const markLeft = mark === undefined ? 0 : plot.valToPos(mark.timeMs / 1000, "x") + offset;
  return { index: idx ?? undefined, mark, left: markLeft, isAtEnd: markLeft > plot.width / 2 };
}

function dataOf({
  times,
  lines,
}: {
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
}): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])];
}

function valueText(values: Line, index: number | undefined, format: (value: number) => string): string {
  const value = index === undefined ? values.findLast((each) => each !== null) : values[index];
  return value === undefined || value === null ? "–" : format(value);
}
