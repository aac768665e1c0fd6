export type { Trace } from "./trace.ts";
export { TraceSwitch } from "./trace-switch.ts";
export type { FactsOf } from "./tracer.ts";
