/** How a request is carried: timeouts, retries and hedging that hold, each with who said it. */
import type { SettingView, SourceRef } from "../api/index.ts";
import type { PreparedRequests } from "../decide/index.ts";
import type { RequestPolicy } from "../model/index.ts";

/** One layer of what is said, the nearest first. */
export interface SaidLayer {
  readonly policy: RequestPolicy | undefined;
  /** Who said the field; undefined: nobody knows. */
  originOf(field: SettingField): SourceRef | undefined;
}

export type SettingField = (typeof fields)[number][0];

type Read = (requests: PreparedRequests) => unknown;
type Said = (policy: RequestPolicy) => unknown;

/** Name, what holds, and whether a layer says it. */
const fields = [
  ["requestTimeoutMs", (r) => r.requestTimeoutMs, (p) => p.requestTimeoutMs],
  ["tryTimeoutMs", (r) => r.tryTimeoutMs, (p) => p.tryTimeoutMs],
  ["streamIdleTimeoutMs", (r) => r.streamIdleTimeoutMs, (p) => p.streamIdleTimeoutMs],
  ["retry.maxRetries", (r) => r.retry.maxRetries, (p) => p.retry?.maxRetries],
  ["retry.on", (r) => retryReasons(r), (p) => p.retry?.conditions],
  ["retry.backoffBaseMs", (r) => r.retry.backoffBaseMs, (p) => p.retry?.backoffBaseMs],
  [
    "retry.backoffMaxMs",
    (r) => r.retry.backoffMaxMs,
    // A base alone lifts the longest wait.
    (p) => p.retry?.backoffMaxMs ?? p.retry?.backoffBaseMs,
  ],
  ["retry.maxBodyBytes", (r) => r.retry.maxBodyBytes, (p) => p.retry?.maxBodyBytes],
  ["retry.maxRetryAfterMs", (r) => r.retry.maxRetryAfterMs, (p) => p.retry?.maxRetryAfterMs],
  ["retry.unsafeMethods", (r) => r.retry.unsafeMethods, (p) => p.retry?.unsafeMethods],
  ["hedge.delayMs", (r) => r.hedge?.delayMs, (p) => p.hedge?.delayMs],
  ["hedge.maxExtra", (r) => r.hedge?.maxExtra, (p) => p.hedge?.maxExtra ?? p.hedge?.delayMs],
] as const satisfies readonly (readonly [string, Read, Said])[];

export function explainSettings(requests: PreparedRequests, layers: readonly SaidLayer[]): SettingView[] {
  return fields.flatMap(([field, read, said]): SettingView[] => {
    const value: unknown = read(requests);
    if (value === undefined) return [];
    const layer = layers.find(({ policy }) => policy !== undefined && said(policy) !== undefined);
    const origin = layer?.originOf(field);
    return [{ field, value: JSON.stringify(value), ...(origin === undefined ? {} : { origin }) }];
  });
}

function retryReasons({ retry }: PreparedRequests): (string | number)[] {
  const { onConnectFailure, onReset, onTryTimeout, statuses, grpcStatuses } = retry;
  return [
    ...(onConnectFailure ? ["connect-failure"] : []),
    ...(onReset ? ["reset"] : []),
    ...(onTryTimeout ? ["try-timeout"] : []),
    ...[...statuses].toSorted((a, b) => a - b),
    ...[...grpcStatuses].toSorted((a, b) => a - b).map((status) => `grpc ${status}`),
  ];
}
