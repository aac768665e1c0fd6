export { ExportCounters } from "./export-counters.ts";
export { ExportSwitch } from "./export-switch.ts";
export type { ExportContext } from "./otlp-exporter.ts";
