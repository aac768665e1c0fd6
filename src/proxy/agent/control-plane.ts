/** What the agent needs of the control plane, without saying how it gets there. `GrpcControlPlane` is the real one. */
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  IssueRequest,
  IssueResponse,
  LeaveRequest,
  RegisterRequest,
  RegisterResponse,
  TapOrders,
  TelemetryAck,
  TelemetryReport,
} from "../../wire/index.ts";

export interface AdsHandlers {
  /** The connection is there and what was sent is on its way. At most once. */
  onOpen(): void;
  onResponse(response: DeltaDiscoveryResponse): void;
  /** Exactly once, last, and never before `openAds` has returned. */
  onClosed(why: string): void;
}

export interface AdsStream {
  send(request: DeltaDiscoveryRequest): void;
  /** `onClosed` is not called any more. */
  close(): void;
}

export interface TapChannelHandlers {
  onOrders(orders: TapOrders): void;
  /** After `send` returned false. */
  onDrain(): void;
  /** Exactly once, last, and never before `openTaps` has returned. */
  onClosed(): void;
}

export interface TapChannel {
  /** An encoded `TapUpload`. False: it was taken, but stop until `onDrain`. */
  send(upload: Uint8Array): boolean;
  /** `onClosed` is not called any more. */
  close(): void;
}

/** Promises reject with WeftError; its code tells a refusal from a control plane that is not there. */
export interface ControlPlane {
  issue(request: IssueRequest, joinToken: string | undefined): Promise<IssueResponse>;
  register(request: RegisterRequest): Promise<RegisterResponse>;
  leave(request: LeaveRequest): Promise<void>;
  report(report: TelemetryReport): Promise<TelemetryAck>;
  openAds(handlers: AdsHandlers): AdsStream;
  openTaps(handlers: TapChannelHandlers): TapChannel;
  /** Later calls and streams use a new connection, and with it the certificate of that time. */
  renewConnection(): void;
  close(): void;
}
