export { Observers, type TrafficObserver } from "./observers.ts";
export { OutcomeFacts } from "./outcome-facts.ts";
export { TelemetrySettings } from "./settings.ts";
export type {
  ExchangeTimes,
  HttpOutcome,
  PolicyNames,
  TcpOutcome,
  TraceRecord,
  TriesRecord,
  TryRecord,
} from "./outcome.ts";
