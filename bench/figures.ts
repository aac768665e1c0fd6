/** The names of all figures, how each is shown, and which way is better. */
import { median } from "./measure.ts";

export interface FigureStyle {
  readonly label: string;
  readonly digits: number;
  readonly better: "lower" | "higher";
}

const style = (label: string, digits: number, better: "lower" | "higher" = "lower"): FigureStyle => ({
  label,
  digits,
  better,
});

export const figureStyles = {
  cpuUsPerRequest: style("CPU µs per request", 1),
  requestsPerSecond: style("requests/s", 0, "higher"),
  cpuUsPerHandshake: style("CPU µs per handshake", 0),
  handshakesPerSecond: style("handshakes/s", 0, "higher"),
  cpuUsPerMessage: style("CPU µs per message", 1),
  messagesPerSecond: style("messages/s", 0, "higher"),
  mbPerCpuSecond: style("MB per CPU-second", 0, "higher"),
  mbPerSecond: style("MB/s", 0, "higher"),
  kbPerConnection: style("KB per connection", 1),
  cpuMsPerSecond: style("CPU ms per second", 1),
  p50Ms: style("p50 ms", 2),
  p99Ms: style("p99 ms", 2),
  p999Ms: style("p99.9 ms", 2),
  maxMs: style("longest ms", 1),
  addedP50Ms: style("p50 added ms", 3),
  addedP99Ms: style("p99 added ms", 3),
  scrapeMs: style("scrape ms", 1),
  applyMs: style("ms until the routes answer", 0),
  cpuUsPerRequestOneRoute: style("CPU µs per request, 1 route", 1),
  cpuRatio: style("CPU, against 1 route", 2),
  cpuUsPerRequestNoPolicy: style("CPU µs per request, no policies", 1),
  cpuRatioNoPolicy: style("CPU, against no policies", 2),
  cpuRatioPlain: style("CPU, against the plain one", 3),
  addedCpuUs: style("CPU µs added", 2),
  rssMbNoPolicy: style("resident MB, no policies", 0),
  rssMbOneRoute: style("resident MB, 1 route", 0),
  rssMb: style("resident MB", 0),
  privateMb: style("private MB", 0),
  idleRssMb: style("resident MB before any load", 0),
  idlePrivateMb: style("private MB before any load", 0),
} as const;

export type FigureName = keyof typeof figureStyles;
export type Figures = Readonly<Partial<Record<FigureName, number>>>;

const figureNames: readonly FigureName[] = Object.keys(figureStyles).filter(isFigureName);

export function isFigureName(name: string): name is FigureName {
  return Object.hasOwn(figureStyles, name);
}

/** Of each figure that every round has. */
export function medians(rounds: readonly Figures[]): Figures {
  const result: Partial<Record<FigureName, number>> = {};
  for (const name of figureNames) {
    const values = rounds.flatMap((figures) => figures[name] ?? []);
    if (values.length > 0 && values.length === rounds.length) result[name] = median(values);
  }
  return result;
}

/** What a scenario counts, and the two figures that say what one of them costs and how many went through. */
export type Unit = "request" | "handshake" | "message" | "MB" | "connection";

export function unitFigures(unit: Unit, work: number, cpuUs: number, seconds: number): Figures {
  const rate = work / seconds;
  switch (unit) {
    case "request":
      return { cpuUsPerRequest: cpuUs / work, requestsPerSecond: rate };
    case "handshake":
      return { cpuUsPerHandshake: cpuUs / work, handshakesPerSecond: rate };
    case "message":
      return { cpuUsPerMessage: cpuUs / work, messagesPerSecond: rate };
    case "MB":
      return { mbPerCpuSecond: work / (cpuUs / 1e6), mbPerSecond: rate };
    case "connection":
      return { cpuMsPerSecond: cpuUs / 1000 / seconds };
  }
}

export function show(name: FigureName, value: number): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: figureStyles[name].digits,
    maximumFractionDigits: figureStyles[name].digits,
  });
}
