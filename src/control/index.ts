export { type ControlOptions, type RunningControl, startControl } from "./control.ts";
