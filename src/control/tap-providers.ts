/** Taps as the API starts them: filters are read here, since neither the hub nor a proxy knows CEL. */
import type { AskedTap, TapProviders } from "../apiserver/index.ts";
import { readTapFilter } from "../compile/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Expression } from "../model/index.ts";
import type { TapHub } from "../observe/index.ts";

export function tapProviders(hub: TapHub): TapProviders {
  return {
    start: (asked, listener) =>
      hub.start({ ...asked, filter: filterOf(asked), durationMs: asked.seconds * 1_000 }, listener),
    request: (id) => hub.request(id),
  };
}

function filterOf({ filter }: AskedTap): Expression | undefined {
  if (filter === "") return undefined;
  const read = readTapFilter(filter);
  if ("filter" in read) return read.filter;
  throw new WeftError("usage", `the filter ${read.problem}`, {
    hint: 'it is CEL, such as response.code >= 500 && request.path.startsWith("/api")',
  });
}
