/** How uPlot draws: thin lines, few ticks, marks where configuration changed. */
import type uPlot from "uplot";
import type { Mark } from "./change-marks.ts";
import { type ChartColours, dashes, type LineTone } from "./chart-theme.ts";

export interface PlotSeries {
  readonly label: string;
  readonly tone: LineTone;
  /** Filled down to zero. */
  readonly isArea?: boolean;
}

export interface PlotInput {
  readonly series: readonly PlotSeries[];
  readonly colours: ChartColours;
  readonly width: number;
  readonly height: number;
  readonly format: (value: number) => string;
  /** Of the axis where nothing is larger: a share of errors of 0.1 % is no mountain. */
  readonly minTop: number;
  readonly marks: () => readonly Mark[];
  /** The pointer is over a point, or no longer. */
  readonly onCursor: (plot: uPlot) => void;
}

const font = '11px ui-sans-serif, system-ui, -apple-system, "Segoe UI", sans-serif';
const axisWidth = 56;

export function plotOptions(input: PlotInput): uPlot.Options {
  const { series, colours, width, height, format, minTop, marks, onCursor } = input;
  return {
    width,
    height,
    padding: [10, 4, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: "weft" },
      drag: { x: false, y: false },
      points: { size: 7, width: 2, fill: (_, index) => colours.tone(series[index - 1]?.tone ?? "main") },
      y: false,
    },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, niceTop(Math.max(max ?? 0, minTop))] } },
    axes: [
      {
        stroke: colours.axis,
        font,
        grid: { show: false },
        ticks: { show: false },
        size: 24,
        gap: 6,
        space: 72,
        values: (_, ticks) => ticks.map(tickTime),
      },
      {
        stroke: colours.axis,
        font,
        size: axisWidth,
        gap: 8,
        space: 38,
        grid: { stroke: colours.grid, width: 1 },
        ticks: { show: false },
        values: (_, ticks) => ticks.map(format),
      },
    ],
    series: [{}, ...series.map((each) => seriesOptions(each, colours))],
    hooks: { draw: [(plot) => drawMarks(plot, marks(), colours.mark)], setCursor: [onCursor] },
  };
}

function seriesOptions({ label, tone, isArea }: PlotSeries, colours: ChartColours): uPlot.Series {
  const stroke = colours.tone(tone);
  const dash = dashes[tone];
  return {
    label,
    stroke,
    width: 1.75,
    points: { show: false },
    spanGaps: false,
    ...(dash === undefined ? {} : { dash }),
    ...(isArea === true ? { fill: `${stroke}1f` } : {}),
  };
}

/** A dashed line from top to bottom with a diamond above it: seen without colour, and not taken for data. */
function drawMarks(plot: uPlot, marks: readonly Mark[], colour: string): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = scale;
  for (const { timeMs } of marks) {
    const x = Math.round(plot.valToPos(timeMs / 1000, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const size = 4 * scale;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top - 2 * size);
    ctx.lineTo(x + size, bbox.top - size);
    ctx.lineTo(x, bbox.top);
    ctx.lineTo(x - size, bbox.top - size);
    ctx.fill();
  }
  ctx.restore();
}

/** The next of 1, 2, 2.5, 5 times a power of ten. */
export function niceTop(max: number): number {
  if (!(max > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(max));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((each) => each * power >= max * 1.02) ?? 15;
  return step * power;
}

function tickTime(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
}
