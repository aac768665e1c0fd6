/** Steps of a change of root, each on disk before it counts: begin, next phase, pause, abort. Who is ready for the next step others know. */
import { type Clock, WeftError } from "../kernel/index.ts";
import {
  followingPhase,
  phaseOfAbort,
  type Rotation,
  type RotationOutcome,
  type RotationPhase,
} from "./root-rotation.ts";
import type { FinishedRotation, TrustState } from "./trust-file.ts";

export interface RotationOptions {
  readonly pauseAfter?: RotationPhase | undefined;
  readonly forceAfterMs?: number | undefined;
}

export interface RootRotationParts {
  readonly clock: Clock;
  readonly state: () => TrustState;
  /** Throws where it cannot be written; then nothing has changed. */
  readonly store: (state: TrustState) => void;
  /** Makes the root to change to. */
  readonly createRoot: () => { readonly file: string; readonly from: string; readonly to: string };
}

export class RootRotation {
  readonly #parts: RootRotationParts;

  constructor(parts: RootRotationParts) {
    this.#parts = parts;
  }

  /** Undefined: the root is not being changed. */
  get current(): Rotation | undefined {
    return this.#parts.state().rotation;
  }

  get last(): FinishedRotation | undefined {
    return this.#parts.state().last;
  }

  /** Throws `conflict` where one is under way. */
  start(options: RotationOptions = {}): void {
    if (this.current !== undefined) {
      throw new WeftError("conflict", `the root is being changed already (phase ${this.current.phase})`, {
        hint: "see weft cert rotate-root --status",
      });
    }
    const { clock, state, store, createRoot } = this.#parts;
    const { file, from, to } = createRoot();
    const startedMs = clock.nowMs();
    const rotation: Rotation = {
      from,
      to,
      phase: "trust",
      startedMs,
      phaseStartedMs: startedMs,
      pauseAfter: options.pauseAfter,
      isPaused: false,
      forceAfterMs: options.forceAfterMs,
      wasRetired: false,
    };
    store({ ...state(), next: file, rotation });
  }

  /** The phase is over: the next one, a pause, or the end. */
  advance(): RotationPhase | RotationOutcome | "paused" {
    const rotation = this.#require();
    if (rotation.pauseAfter === rotation.phase) {
      this.#set({ ...rotation, isPaused: true, pauseAfter: undefined });
      return "paused";
    }
    const next = followingPhase(rotation.phase);
    if (next === "done" || next === "aborted") this.#finish(rotation, next);
    else this.#enter(rotation, next);
    return next;
  }

  /** Goes on after a pause, or with other wishes than it was begun with. */
  resume(options: RotationOptions = {}): void {
    const rotation = this.#require();
    this.#set({
      ...rotation,
      isPaused: false,
      pauseAfter: options.pauseAfter,
      forceAfterMs: options.forceAfterMs ?? rotation.forceAfterMs,
    });
  }

  /** Turns round. Throws `conflict` where it is on its way back already. */
  abort(options: RotationOptions = {}): void {
    const rotation = this.#require();
    const phase = phaseOfAbort(rotation.phase);
    if (phase === undefined) {
      throw new WeftError(
        "conflict",
        `the change of root is being aborted already (phase ${rotation.phase})`,
      );
    }
    const wasRetired = rotation.phase === "retire";
    const forceAfterMs = options.forceAfterMs ?? rotation.forceAfterMs;
    this.#enter({ ...rotation, wasRetired, forceAfterMs, isPaused: false, pauseAfter: undefined }, phase);
  }

  #require(): Rotation {
    const rotation = this.current;
    if (rotation === undefined) {
      throw new WeftError("conflict", "the root is not being changed", {
        hint: "begin with weft cert rotate-root",
      });
    }
    return rotation;
  }

  #enter(rotation: Rotation, phase: RotationPhase): void {
    this.#set({ ...rotation, phase, phaseStartedMs: this.#parts.clock.nowMs() });
  }

  #set(rotation: Rotation): void {
    const { state, store } = this.#parts;
    store({ ...state(), rotation });
  }

  #finish({ from, to, startedMs }: Rotation, outcome: RotationOutcome): void {
    const { state, store, clock } = this.#parts;
    const { current, next } = state();
    const last = { outcome, from, to, startedMs, finishedMs: clock.nowMs() };
    store({
      current: outcome === "done" && next !== undefined ? next : current,
      next: undefined,
      rotation: undefined,
      last,
    });
  }
}
