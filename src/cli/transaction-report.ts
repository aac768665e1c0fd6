/** What became of each object of a transaction, one line each. */
import { isKindName, kinds, type TransactionResponse, type TransactionResult } from "../api/index.ts";
import type { Cli } from "./cli.ts";
import { plainText } from "./plain-text.ts";
import type { OutputFormat } from "./shared-options.ts";

export function writeTransaction(
  cli: Cli,
  response: TransactionResponse,
  format: OutputFormat,
  /** Why nothing was committed; undefined: it was. */
  instead: "dry run" | "canary" | undefined,
): void {
  for (const result of response.results) {
    const name = plainText(nameOf(result));
    cli.output.line(
      format === "name" ? name : `${name} ${result.outcome}${instead === undefined ? "" : ` (${instead})`}`,
    );
  }
  const changed = response.results.some(({ outcome }) => outcome !== "unchanged");
  if (instead === undefined)
    cli.output.note(
      changed ? `revision ${response.revision}` : `nothing changed; revision ${response.revision}`,
    );
}

function nameOf({ kind, namespace, name }: TransactionResult): string {
  const singular = isKindName(kind) ? kinds[kind].singular : kind;
  return namespace === "" || namespace === "default"
    ? `${singular}/${name}`
    : `${singular}/${name} (${namespace})`;
}
