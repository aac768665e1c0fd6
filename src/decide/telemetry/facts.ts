/** An exchange or connection that has ended, as expressions of TelemetryPolicy read it. The proxy makes it, lazily, from what it recorded. */

export interface TelemetryFacts {
  readonly direction: "outbound" | "inbound";
  readonly sourceWorkload: string;
  readonly sourceIdentity: string;
  readonly destinationWorkload: string;
  readonly destinationIdentity: string;
  readonly destinationService: string;
  readonly destinationPort: number;
  readonly route: string;
  readonly rule: string;
  readonly peerAddress: string;
  readonly isMutualTls: boolean;
  readonly requestId: string;
  /** Undefined: raw TCP, or a head that could not be read. */
  readonly http: TelemetryHttpFacts | undefined;
  readonly reason: string;
  readonly durationUs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export interface TelemetryHttpFacts {
  readonly method: string;
  readonly authority: string;
  /** With the query, as it came. */
  readonly target: string;
  readonly scheme: string;
  readonly status: number;
  /** Undefined: no gRPC. */
  readonly grpcStatus: number | undefined;
  requestHeader(nameLower: string): string | undefined;
  responseHeader(nameLower: string): string | undefined;
}
