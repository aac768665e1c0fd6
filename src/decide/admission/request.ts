/** What the questions of admission read of a request or connection, however the codec and the socket keep it. */
import type { HttpRequestView } from "../request-view.ts";

/** Of a whole connection. Texts are empty where nothing is known. */
export interface CallerFacts {
  /** The SPIFFE id of a verified certificate. */
  readonly identity: string;
  /** Of the connection's peer, in canonical text. */
  readonly address: string;
  readonly addressPort: number;
  readonly isTls: boolean;
  /** SNI of the client's own TLS. */
  readonly serverName: string;
  /** That the application, or the gateway's listener, listens on. */
  readonly port: number;
  /** "namespace/name" of the service that was dialled. */
  readonly service: string;
  /** "namespace/name" of the workload, or of the gateway, at whose door this is. */
  readonly destination: string;
}

/** The payload of a valid token, as JSON has it. */
export type Claims = Readonly<Record<string, unknown>>;

export interface HttpFacts extends HttpRequestView {
  readonly authority: string;
  readonly scheme: "http" | "https";
  /** "HTTP/1.0", "HTTP/1.1" or "HTTP/2". */
  readonly version: string;
  readonly isGrpc: boolean;
  readonly requestId: string;
  /** The value of each line of a repeated header. Not there: a comma in `header` counts as the end of a line's value. */
  headerValues?(nameLower: string): readonly string[];
}

export interface AdmissionRequest {
  readonly caller: CallerFacts;
  /** The client as trusted proxies tell it, else the connection's peer; canonical text. */
  readonly remoteAddress: string;
  /** Undefined: raw TCP. What needs a request never matches an allow and always matches a deny. */
  readonly http: HttpFacts | undefined;
  /** Of the valid token that the request brought; undefined: none. */
  readonly claims: Claims | undefined;
  /** Unix time. */
  readonly nowMs: number;
}
