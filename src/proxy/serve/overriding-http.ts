/** Requests of the local application that say themselves how they are carried, where MeshConfig honours it. */
import { applyOverrides, overrideHeader, parseOverrides } from "../../decide/index.ts";
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { UpstreamEndpoint } from "../upstream/index.ts";
import type { AskedFirst, HttpDestination, HttpSelection, HttpService } from "./http-service.ts";

export class OverridingHttp implements HttpService {
  readonly direction: HttpService["direction"];
  readonly tellsUnprocessed: boolean;
  readonly trustsTry: boolean;
  readonly scheme: HttpService["scheme"];
  readonly servesConnect: boolean;
  readonly takesGrpcWeb: boolean;
  readonly sourceIdentity: string;
  readonly #inner: HttpService;

  constructor(inner: HttpService) {
    this.sourceIdentity = inner.sourceIdentity;
    this.#inner = inner;
    this.direction = inner.direction;
    this.tellsUnprocessed = inner.tellsUnprocessed;
    this.trustsTry = inner.trustsTry;
    this.scheme = inner.scheme;
    this.servesConnect = inner.servesConnect;
    this.takesGrpcWeb = inner.takesGrpcWeb;
  }

  select(head: HttpRequest, requestId: string): HttpSelection {
    const selected = this.#inner.select(head, requestId);
    const said = head.get(overrideHeader);
    if (said === undefined || !("cluster" in selected)) return selected;
    const overrides = parseOverrides(said);
    const stripped = withoutOverride(selected);
    if (overrides === undefined) return stripped;
    return { ...stripped, requests: applyOverrides(selected.requests, overrides) };
  }

  get asked(): AskedFirst | undefined {
    return this.#inner.asked;
  }

  addLines(head: HttpRequest, lines: HeaderLine[]): void {
    this.#inner.addLines(head, lines);
  }

  edge(selected: HttpSelection | undefined, endpoint: UpstreamEndpoint | undefined): EdgeSeries {
    return this.#inner.edge(selected, endpoint);
  }
}

/** What comes from outside says nothing to the mesh. */
export function strippedAtEdge(head: HttpRequest, selected: HttpSelection): HttpSelection {
  if (head.get(overrideHeader) === undefined || !("cluster" in selected)) return selected;
  return withoutOverride(selected);
}

function withoutOverride(destination: HttpDestination): HttpDestination {
  const { requestEdits: edits } = destination;
  const requestEdits: HeadEdits = {
    set: edits?.set ?? [],
    add: edits?.add ?? [],
    remove: [...(edits?.remove ?? []), overrideHeader],
  };
  return { ...destination, requestEdits };
}
