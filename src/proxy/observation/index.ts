export { Observers, type TrafficObserver } from "./observers.ts";
export type {
  ExchangeTimes,
  HttpOutcome,
  PolicyNames,
  TcpOutcome,
  TraceRecord,
  TriesRecord,
  TryRecord,
} from "./outcome.ts";
