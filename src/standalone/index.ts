export type { FileSource } from "./source-object.ts";
export { type RunningStandalone, startStandalone } from "./standalone.ts";
