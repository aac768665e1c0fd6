/** Live traffic as it comes, until the server or the caller ends it. */
import { decodeMessage, type TapEvent, tapEventSchema } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { jsonLines } from "./json-lines.ts";
import type { Transport } from "./transport.ts";

export interface TapQuery {
  readonly namespaces?: readonly string[];
  /** "namespace/name", as the following. Any of all these; none: everything. */
  readonly workloads?: readonly string[];
  readonly services?: readonly string[];
  readonly routes?: readonly string[];
  /** CEL. */
  readonly filter?: string | undefined;
  readonly headers?: boolean;
  /** Of each direction; 0 or absent: none. */
  readonly maxBodyBytes?: number | undefined;
  /** At each proxy. */
  readonly maxPerSecond?: number | undefined;
  readonly seconds?: number | undefined;
}

/** The last event is "end" where the server ended it. Throws WeftError. */
export async function* tapEvents(
  transport: Transport,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<TapEvent> {
  const ended = new AbortController();
  const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
  try {
    for await (const line of jsonLines(await transport.stream(path, {}, either))) {
      const decoded = decodeMessage(tapEventSchema, line, "response");
      if (!("object" in decoded)) throw transport.unreadable("a line of a tap that cannot be read");
      yield decoded.object;
    }
  } catch (error) {
    if (signal?.aborted === true) return;
    throw error instanceof WeftError ? error : transport.unreachable(error);
  } finally {
    ended.abort();
  }
}

/** Names may occur more than once, which the transport's own queries do not have. */
export function tapPath(base: string, query: TapQuery): string {
  const parameters = new URLSearchParams();
  const addAll = (name: string, values: readonly string[] = []): void => {
    for (const value of values) parameters.append(name, value);
  };
  addAll("namespace", query.namespaces);
  addAll("workload", query.workloads);
  addAll("service", query.services);
  addAll("route", query.routes);
  if (query.filter !== undefined && query.filter !== "") parameters.set("filter", query.filter);
  if (query.headers === true) parameters.set("headers", "true");
  const numbers = { bodies: query.maxBodyBytes, maxPerSecond: query.maxPerSecond, seconds: query.seconds };
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined && value > 0) parameters.set(name, String(value));
  }
  return `${base}/tap?${parameters.toString()}`;
}
