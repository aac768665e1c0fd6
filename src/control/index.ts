export { startControl } from "./control.ts";
export type { ControlOptions, RunningControl } from "./control-options.ts";
