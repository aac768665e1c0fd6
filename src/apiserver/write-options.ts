/** What a write says of itself in its query, as Kubernetes has it: a dry run, whose write it is, what becomes of unknown fields. */
import { WeftError } from "../kernel/index.ts";

const maxManagerLength = 128;

export interface WriteOptions {
  readonly isDryRun: boolean;
  /** Whose write it is; where it does not say, the name of the program. */
  readonly manager: string;
  /** It says whose it is. */
  readonly isManagerNamed: boolean;
  /** Strict where it says nothing: stricter than Kubernetes, whose default warns. */
  readonly fieldValidation: "Strict" | "Warn" | "Ignore";
  readonly force: boolean;
}

/** Throws `usage`. */
export function writeOptions(query: URLSearchParams, userAgent: string | null): WriteOptions {
  const named = query.get("fieldManager") ?? "";
  if (named.length > maxManagerLength || !isPrintable(named))
    throw new WeftError("usage", `fieldManager must be up to ${maxManagerLength} printable characters`);
  return {
    isDryRun: isDryRun(query),
    manager: named === "" ? programOf(userAgent) : named,
    isManagerNamed: named !== "",
    fieldValidation: fieldValidation(query.get("fieldValidation") ?? ""),
    force: ["1", "true"].includes(query.get("force") ?? ""),
  };
}

export function isDryRun(query: URLSearchParams): boolean {
  const values = query.getAll("dryRun").filter((value) => value !== "");
  if (values.some((value) => value !== "All"))
    throw new WeftError("usage", "dryRun must be All, or absent for a write that is made");
  return values.length > 0;
}

function fieldValidation(text: string): WriteOptions["fieldValidation"] {
  if (text === "" || text === "Strict") return "Strict";
  if (text === "Warn" || text === "Ignore") return text;
  throw new WeftError("usage", "fieldValidation must be Strict, Warn or Ignore");
}

function programOf(userAgent: string | null): string {
  const name =
    (userAgent ?? "")
      .split("/", 1)[0]
      ?.replace(/[^\x20-\x7e]/g, "")
      .slice(0, maxManagerLength) ?? "";
  return name === "" ? "unknown" : name;
}

function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cf}]/u.test(text);
}
