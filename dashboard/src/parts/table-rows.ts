/** Which rows of a table are shown, and in which order. */
export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

type Sortable = string | number;

/** Stable; what has no value comes last either way. */
export function sortRows<T>(
  rows: readonly T[],
  valueOf: ((row: T) => Sortable | undefined) | undefined,
  descending: boolean,
): readonly T[] {
  if (valueOf === undefined) return rows;
  const keyed = rows.map((row) => ({ row, value: valueOf(row) }));
  const sign = descending ? -1 : 1;
  return keyed
    .toSorted((a, b) => {
      if (a.value === undefined || b.value === undefined)
        return (a.value === undefined ? 1 : 0) - (b.value === undefined ? 1 : 0);
      return sign * compare(a.value, b.value);
    })
    .map(({ row }) => row);
}

function compare(a: Sortable, b: Sortable): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

/** Every word somewhere in the text, in any case. */
export function matchesSearch(text: string, search: string): boolean {
  const wanted = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const lower = text.toLowerCase();
  return wanted.every((word) => lower.includes(word));
}

export interface PageOfRows<T> {
  readonly rows: readonly T[];
  /** From 0; within bounds whatever was asked for. */
  readonly page: number;
  readonly pages: number;
}

export function pageOf<T>(rows: readonly T[], page: number, size: number): PageOfRows<T> {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const within = Math.min(Math.max(0, page), pages - 1);
  return { rows: rows.slice(within * size, (within + 1) * size), page: within, pages };
}
