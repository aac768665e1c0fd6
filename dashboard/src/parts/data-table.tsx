/** A table that can be sorted by its heads and is shown a page at a time, so that 3,000 rows cost no more than 50. */
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { pageOf, type Sort, sortRows } from "./table-rows.ts";

export interface Column<T> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** By which it can be sorted; absent: it cannot. */
  readonly value?: (row: T) => string | number | undefined;
  /** Figures stand at the end of their column. */
  readonly isFigure?: boolean;
  /** Left out where the screen is narrow. */
  readonly isMinor?: boolean;
}

export interface DataTableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly sort?: Sort;
  readonly pageSize?: number;
  /** In the place of rows where there are none. */
  readonly empty: ComponentChildren;
}

export function DataTable<T>({
  label,
  columns,
  rows,
  keyOf,
  sort: first,
  pageSize = 50,
  empty,
}: DataTableProps<T>) {
  const [sort, setSort] = useState<Sort | undefined>(first);
  const [wanted, setPage] = useState(0);
  const sorted = useMemo(() => {
    const column = columns.find(({ id }) => id === sort?.column);
    return sortRows(rows, column?.value, sort?.descending ?? false);
  }, [rows, columns, sort]);
  const { rows: shown, page, pages } = pageOf(sorted, wanted, pageSize);
  if (rows.length === 0) return <>{empty}</>;
  return (
    <>
      <div class="table-frame" role="region" aria-label={label} tabIndex={0}>
        <table>
          <caption class="unseen">{label}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Head key={column.id} column={column} sort={sort} onSort={setSort} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column) => (
                  <td key={column.id} class={classOf(column)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <nav class="pager" aria-label={`${label}: pages`}>
          <button class="button small" disabled={page === 0} onClick={() => setPage(page - 1)}>
            Before
          </button>
          <span>
            {page * pageSize + 1}–{Math.min(rows.length, (page + 1) * pageSize)} of{" "}
            {rows.length.toLocaleString()}
          </span>
          <button class="button small" disabled={page === pages - 1} onClick={() => setPage(page + 1)}>
            Next
          </button>
        </nav>
      )}
    </>
  );
}

interface HeadProps<T> {
  readonly column: Column<T>;
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
}

function Head<T>({ column, sort, onSort }: HeadProps<T>) {
  const isSorted = sort?.column === column.id;
  const direction = isSorted ? (sort.descending ? "descending" : "ascending") : undefined;
  if (column.value === undefined) {
    return (
      <th scope="col" class={classOf(column)}>
        {column.title}
      </th>
    );
  }
  return (
    <th scope="col" class={classOf(column)} aria-sort={direction}>
      <button
        onClick={() =>
          onSort({ column: column.id, descending: isSorted ? !sort.descending : column.isFigure === true })
        }
      >
        {column.title}
        {isSorted && <Icon name={sort.descending ? "down" : "up"} />}
      </button>
    </th>
  );
}

function classOf<T>({ isFigure, isMinor }: Column<T>): string {
  return [isFigure === true ? "figure" : "", isMinor === true ? "minor" : ""].join(" ").trim();
}
