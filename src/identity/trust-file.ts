/**
 * Which roots there are, which of them holds at present, and how far a change of root has come: one private file, replaced in
 * one step, so that after a crash it says what was before or what came after. A mesh that never rotated has none.
 */
import { WeftError } from "../kernel/index.ts";
import type { Rotation, RotationOutcome, RotationPhase } from "./root-rotation.ts";
import { readPrivateFileSync, writePrivateFileSync } from "./x509/private-file.ts";

export interface FinishedRotation {
  readonly outcome: RotationOutcome;
  readonly from: string;
  readonly to: string;
  readonly startedMs: number;
  readonly finishedMs: number;
}

export interface TrustState {
  /** Name in the directory of the file with the root that holds while none is being changed. */
  readonly current: string;
  /** Of the root that a rotation goes to. */
  readonly next: string | undefined;
  readonly rotation: Rotation | undefined;
  readonly last: FinishedRotation | undefined;
  /** One more with each change, so that of two copies the newer is known; absent: 0. */
  readonly generation?: number;
}

const phases: readonly string[] = [
  "trust",
  "issue",
  "retire",
  "retrust",
  "return",
  "withdraw",
] satisfies RotationPhase[];

/** Undefined: there is none. Throws `io` where it is damaged: guessing whom to trust would be worse than not to start. */
export function loadTrustState(path: string): TrustState | undefined {
  const bytes = readPrivateFileSync(path);
  if (bytes === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    parsed = undefined;
  }
  if (isTrustState(parsed))
    return { ...parsed, next: parsed.next, rotation: parsed.rotation, last: parsed.last };
  throw new WeftError("io", `${path} is damaged`, { hint: "restore it from a backup" });
}

export function storeTrustState(path: string, state: TrustState): void {
  writePrivateFileSync(path, `${JSON.stringify(state)}\n`);
}

function isTrustState(value: unknown): value is TrustState {
  const state = fieldsOf(value);
  if (state === undefined || typeof state.get("current") !== "string") return false;
  if (!isAbsentOr(state.get("next"), (next) => typeof next === "string")) return false;
  return (
    isAbsentOr(state.get("rotation"), isRotation) &&
    isAbsentOr(state.get("last"), (last) => fieldsOf(last) !== undefined)
  );
}

function isRotation(value: unknown): boolean {
  const rotation = fieldsOf(value);
  const phase = rotation?.get("phase");
  return (
    typeof rotation?.get("from") === "string" &&
    typeof rotation.get("to") === "string" &&
    typeof phase === "string" &&
    phases.includes(phase) &&
    typeof rotation.get("phaseStartedMs") === "number"
  );
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

function isAbsentOr(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value);
}
