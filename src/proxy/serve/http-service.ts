/**
 * What differs between outbound, inbound and gateway for one HTTP exchange: where it goes, which lines are added, how it
 * is counted. Everything else is the exchange's.
 */
import type { CallerFacts, PreparedFaults, PreparedRequests } from "../../decide/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { Admission, Telemetry } from "../../model/index.ts";
import type { RequestFilter } from "../admission/filter.ts";
import type { HttpRequest, RequestRewrite } from "../http/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "../upstream/index.ts";
import type { Session } from "./session.ts";

interface SelectedRoute {
  /** "namespace/name"; empty: no route. */
  readonly route: string;
  /** The rule's name, or its place: "rules[2]". */
  readonly rule?: string | undefined;
  /** Lines of every answer that the proxy gives in the place of a backend's. */
  readonly ownLines?: readonly HeaderLine[] | undefined;
  /** The rule's own, for a gateway that puts it behind its listener's; absent: it has none. */
  readonly admission?: Admission | undefined;
  /** What the rule says of what is told. */
  readonly telemetry?: Telemetry | undefined;
}

export interface AskedFirst {
  readonly filters: readonly RequestFilter[];
  /** Who the request is from, as its connection shows. */
  readonly caller: CallerFacts;
}

/** Where a request goes. Made when configuration is prepared wherever it can be, so that a request only points at it. */
export interface HttpDestination extends SelectedRoute {
  readonly cluster: UpstreamCluster;
  readonly requestEdits: HeadEdits | undefined;
  readonly responseEdits: HeadEdits | undefined;
  /** The rule's over the cluster's over the defaults. */
  readonly requests: PreparedRequests;
  /** The route's, else the cluster's. */
  readonly faults: PreparedFaults | undefined;
  readonly session?: Session | undefined;
  /** Of this one request; undefined: it goes as it came. */
  readonly rewrite?: RequestRewrite | undefined;
  /** Who gets a copy of this one request; undefined: nobody. */
  readonly mirrors?: readonly UpstreamCluster[] | undefined;
  /** Where the requests are counted that go to `countedAt`, the endpoint that was asked for last (`edges.ts`). */
  counted?: EdgeSeries | undefined;
  countedAt?: UpstreamEndpoint | undefined;
}

/** The proxy answers itself, as a filter of the route has it: a redirect, a preflight. No failure. */
export interface HttpAnswer extends SelectedRoute {
  readonly status: number;
  /** Of this answer alone: whoever is refused does not learn where a redirect leads. */
  readonly lines: readonly HeaderLine[];
  /** A browser asks whether it may ask: no policy has to do with that. */
  readonly isPreflight?: boolean;
}

export interface HttpRefusal extends SelectedRoute {
  readonly reason: ReasonCode;
  /** For the operator's log only. */
  readonly detail: string;
}

export type HttpSelection = HttpDestination | HttpAnswer | HttpRefusal;

export interface HttpService {
  readonly direction: "outbound" | "inbound";
  /** The peer that called is a mesh proxy: it is told which refusals left the request unprocessed (`hop-fields.ts`). */
  readonly tellsUnprocessed: boolean;
  /** What the request says of its own time and tries is taken: by a mesh proxy, or the application for its own requests. */
  readonly trustsTry: boolean;
  /** Of the client's connection. */
  readonly scheme: "http" | "https";
  /** CONNECT goes to the application, which may be a proxy. */
  readonly servesConnect: boolean;
  /** gRPC-Web is made gRPC here: at the mesh's edge, where browsers call. */
  readonly takesGrpcWeb: boolean;
  /** Of a gateway: whether what its clients say of their trace is believed. Absent: no gateway's, and it is. */
  readonly traceEntry?: "believed" | "replaced";
  /** Whom the client's certificate names, or whose proxy this is; empty: nobody knows. */
  readonly sourceIdentity: string;
  /** One snapshot decides: what is returned is kept until the exchange ends. What is left to chance is drawn from `requestId`. */
  select(head: HttpRequest, requestId: string): HttpSelection;
  /** Before anything else happens with the request that was selected last; absent: nothing. Made once for many requests. */
  readonly asked?: AskedFirst | undefined;
  /** What the Gateway of the request that was selected last says of what is told; absent: the workload says it. */
  readonly telemetry?: Telemetry | undefined;
  /** The client as trusted proxies tell it, else the connection's peer. Absent: the peer. */
  remoteAddressOf?(head: HttpRequest): string;
  /** Lines for the next hop beside the edits; the exchange adds x-request-id. */
  addLines(head: HttpRequest, lines: HeaderLine[]): void;
  /** Where the outcome is counted; without an endpoint the request never had one, without `selected` it was not even read. */
  edge(selected: HttpSelection | undefined, endpoint: UpstreamEndpoint | undefined): EdgeSeries;
}
