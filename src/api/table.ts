/** Objects as rows of a table: one set of columns for `weft get` and for the tables that kubectl asks the server for. */
import { formatAge } from "../kernel/index.ts";
import { type KindName, kinds, printerCells, type Stored } from "./kinds.ts";

interface TableColumn {
  readonly name: string;
  readonly description: string;
  /** Only shown with `-o wide`. */
  readonly isWide: boolean;
}

/** The name first, the age last. */
export function tableColumns(kind: KindName): readonly TableColumn[] {
  return [
    { name: "Name", description: "Unique among the objects of the kind in its namespace.", isWide: false },
    ...kinds[kind].printerColumns,
    { name: "Age", description: "How long ago it was created.", isWide: false },
  ];
}

/** One cell for each column. */
export function tableCells(object: Stored, nowMs: number): readonly string[] {
  const { name, creationTimestamp } = object.metadata;
  return [name, ...printerCells(object), formatAge(Date.parse(creationTimestamp), nowMs)];
}
