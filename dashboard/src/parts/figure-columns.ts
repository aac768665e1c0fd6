/** Columns that every table of traffic has, so that they read and sort alike. */
import { formatErrorShare, formatMs, formatRate, none } from "../format/figures.ts";
import type { Column } from "./data-table.tsx";

export function rateColumn<T>(perSecond: (row: T) => number): Column<T> {
  return {
    id: "rate",
    title: "Requests/s",
    isFigure: true,
    cell: (row) => formatRate(perSecond(row)),
    value: perSecond,
  };
}

/** `share`: from 0 to 1; undefined: there was nothing that could fail. */
export function errorColumn<T>(share: (row: T) => number | undefined): Column<T> {
  return {
    id: "errors",
    title: "Errors",
    isFigure: true,
    cell: (row) => shown(share(row), formatErrorShare),
    value: share,
  };
}

/** `ms` undefined: there was nothing to time. */
export function durationColumn<T>(id: "p50" | "p99", ms: (row: T) => number | undefined): Column<T> {
  return {
    id,
    title: id,
    isFigure: true,
    isMinor: id === "p50",
    cell: (row) => shown(ms(row), formatMs),
    value: ms,
  };
}

function shown(figure: number | undefined, format: (figure: number) => string): string {
  return figure === undefined ? none : format(figure);
}
