/** Resources as they stand in files, and how this room gets at them: reading files is the command line's business. */
import type { ApiObject, SourceDocument } from "../api/index.ts";

/** An object that was parsed, defaulted and validated, with the place that it was written at. */
export interface SourceObject {
  readonly object: ApiObject;
  readonly source: Pick<SourceDocument, "file" | "line" | "lineOf">;
}

export interface FileSource {
  /** Files and folders as the user named them. */
  readonly paths: readonly string[];
  /** The files that they hold now. Throws `bad_input` where a path cannot be read. */
  readonly list: () => readonly string[];
  /** Throws `bad_input` with every issue where there is one. */
  read(): Promise<readonly SourceObject[]>;
}
