export type { FileSource } from "./source-object.ts";
export { startStandalone } from "./standalone.ts";
