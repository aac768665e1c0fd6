/**
 * A load generator whose connections each send the next request when the answer to the one before is there, so that the event loop is
 * idle but for what it measures. Every latency is kept as it was, from the first byte's write to the last byte's arrival.
 */
import { LoadConnection, type Outcome } from "../../e2e/harness/load-connection.ts";
import type { PlannedRequest } from "./known-mix.ts";

export interface LoadResult {
  /** In milliseconds, rising. */
  readonly latenciesMs: Float64Array;
  /** By kind, of those that were answered as planned. */
  readonly counts: Readonly<Record<string, number>>;
  /** Those that were not: "GET 404 was 503". */
  readonly surprises: readonly string[];
}

export interface LoadPlan {
  readonly url: string;
  readonly requests: number;
  readonly connections: number;
  readonly requestOf: (index: number) => PlannedRequest;
}

/** Resolves when every request has its end. */
export function runClosedLoop({ url, requests, connections, requestOf }: LoadPlan): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const latenciesMs = new Float64Array(requests);
  const counts: Record<string, number> = {};
  const surprises: string[] = [];
  const { promise, resolve } = Promise.withResolvers<LoadResult>();
  let sent = 0;
  let ended = 0;
  let open = 0;

  const finish = (): void => resolve({ latenciesMs: latenciesMs.toSorted(), counts, surprises });
  const end = (request: PlannedRequest, tookMs: number, outcome: Outcome): void => {
    latenciesMs[ended++] = tookMs;
    if (outcome === request.status) counts[request.kind] = (counts[request.kind] ?? 0) + 1;
    else surprises.push(`${request.kind} was ${outcome}`);
  };
  const connect = (): void => {
    open++;
    const connection = new LoadConnection(
      { hostname, port: Number(port) },
      {
        onIdle: () => {
          if (sent === requests) {
            connection.close();
            return;
          }
          const request = requestOf(sent++);
          const startMs = performance.now();
          connection.send(request.bytes, (outcome) => end(request, performance.now() - startMs, outcome));
        },
        onGone: (wasConnected) => {
          open--;
          if (!wasConnected) surprises.push("a connection was refused");
          if (wasConnected && sent < requests) connect();
          else if (open === 0) finish();
        },
      },
    );
  };
  for (let i = 0; i < connections; i++) connect();
  return promise;
}

/** The exact q-quantile by nearest rank. */
export function quantile(risingMs: Float64Array, q: number): number {
  return risingMs[Math.max(0, Math.ceil(q * risingMs.length) - 1)] ?? 0;
}
