/** A control plane that a test plays by hand: it sees every call, and says what the stream brings. */
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { WeftError } from "../../../kernel/index.ts";
import { type ModelKind, modelSchemas, typeUrl } from "../../../model/index.ts";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryResponseSchema,
  type IssueRequest,
  type IssueResponse,
  type LeaveRequest,
  type Node,
  RefusedResourcesSchema,
  type RegisterRequest,
  type RegisterResponse,
  RegisterResponseSchema,
  ResourceSchema,
  type TelemetryAck,
  TelemetryAckSchema,
  type TelemetryReport,
} from "../../../wire/index.ts";
import type {
  AdsHandlers,
  AdsStream,
  ControlPlane,
  TapChannel,
  TapChannelHandlers,
} from "../control-plane.ts";

export interface Sent {
  readonly kind: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly nonce: string;
  readonly error: string;
  /** Names in the error's details. */
  readonly refused?: readonly string[];
  readonly node: string;
}

/** A resource to send: its message, or bytes that are none. */
export interface Payload {
  readonly name: string;
  readonly version?: string;
  readonly bytes: Uint8Array;
}

export function payload<D extends DescMessage>(
  name: string,
  schema: D,
  init: MessageInitShape<D>,
  version = "1",
): Payload {
  return { name, version, bytes: toBinary(schema, create(schema, init)) };
}

export class FakeControlPlane implements ControlPlane {
  readonly registered: RegisterRequest[] = [];
  readonly left: LeaveRequest[] = [];
  readonly reports: TelemetryReport[] = [];
  /** Requests on the newest stream since `take`. */
  sent: Sent[] = [];
  /** Of all streams' first requests. */
  readonly nodes: Node[] = [];
  streams = 0;
  renewals = 0;
  isDown = false;
  onIssue: (request: IssueRequest, token: string | undefined) => IssueResponse = () => {
    throw new WeftError("unauthenticated", "no certificates here");
  };
  onRegister: () => void = () => {};
  intervalMs = 0;
  #handlers: AdsHandlers | undefined;
  #nonce = 0;

  get isOpen(): boolean {
    return this.#handlers !== undefined;
  }

  async issue(request: IssueRequest, joinToken: string | undefined): Promise<IssueResponse> {
    this.#requireUp();
    return this.onIssue(request, joinToken);
  }

  async register(request: RegisterRequest): Promise<RegisterResponse> {
    this.#requireUp();
    this.onRegister();
    this.registered.push(request);
    return create(RegisterResponseSchema, { leaseMs: 5000 });
  }

  async leave(request: LeaveRequest): Promise<void> {
    this.#requireUp();
    this.left.push(request);
  }

  async report(report: TelemetryReport): Promise<TelemetryAck> {
    this.#requireUp();
    this.reports.push(report);
    return create(TelemetryAckSchema, { intervalMs: this.intervalMs });
  }

  openAds(handlers: AdsHandlers): AdsStream {
    this.streams++;
    this.sent = [];
    let isMine = true;
    queueMicrotask(() => {
      if (!isMine) return;
      if (this.isDown) return handlers.onClosed("connection refused");
      this.#handlers = handlers;
      handlers.onOpen();
    });
    return {
      send: (request) => {
        if (!isMine) return;
        this.sent.push(describe(request));
        if (request.node !== undefined) this.nodes.push(request.node);
      },
      close: () => {
        isMine = false;
        if (this.#handlers === handlers) this.#handlers = undefined;
      },
    };
  }

  /** Of the newest stream of taps; undefined: none is open. */
  taps: TapChannelHandlers | undefined;
  tapStreams = 0;
  readonly tapUploads: Uint8Array[] = [];
  /** Whether it takes more of them. */
  hasRoomForTaps = true;

  openTaps(handlers: TapChannelHandlers): TapChannel {
    this.tapStreams++;
    this.taps = handlers;
    return {
      send: (upload) => {
        this.tapUploads.push(upload);
        return this.hasRoomForTaps;
      },
      close: () => {
        if (this.taps === handlers) this.taps = undefined;
      },
    };
  }

  /** The stream of taps breaks. */
  cutTaps(): void {
    const handlers = this.taps;
    this.taps = undefined;
    handlers?.onClosed();
  }

  renewConnection(): void {
    this.renewals++;
  }

  close(): void {
    this.#handlers = undefined;
  }

  take(): Sent[] {
    const sent = this.sent;
    this.sent = [];
    return sent;
  }

  /** One response; returns its nonce. */
  push(kind: ModelKind, resources: readonly Payload[], removed: readonly string[] = []): string {
    return this.pushUrl(typeUrl(kind), resources, removed);
  }

  pushUrl(url: string, resources: readonly Payload[], removed: readonly string[] = []): string {
    const nonce = `n${++this.#nonce}`;
    this.#handlers?.onResponse(
      create(DeltaDiscoveryResponseSchema, {
        typeUrl: url,
        nonce,
        removedResources: [...removed],
        resources: resources.map(({ name, version, bytes }) =>
          create(ResourceSchema, {
            name,
            version: version ?? "1",
            resource: create(AnySchema, { typeUrl: url, value: Uint8Array.from(bytes) }),
          }),
        ),
      }),
    );
    return nonce;
  }

  commit(revision: number): string {
    const bytes = toBinary(modelSchemas.Commit, create(modelSchemas.Commit, { revision: BigInt(revision) }));
    return this.push("Commit", [{ name: "commit", bytes }]);
  }

  /** The stream breaks. */
  cut(): void {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClosed("connection lost");
  }

  #requireUp(): void {
    if (this.isDown) throw new WeftError("unavailable", "connection refused");
  }
}

function namesIn(details: readonly { readonly value: Uint8Array }[]): string[] {
  return details.flatMap(({ value }) =>
    fromBinary(RefusedResourcesSchema, value).resources.map(({ name }) => name),
  );
}

function describe(request: DeltaDiscoveryRequest): Sent {
  return {
    kind: request.typeUrl.split(".").at(-1) ?? "",
    subscribe: request.resourceNamesSubscribe,
    unsubscribe: request.resourceNamesUnsubscribe,
    versions: request.initialResourceVersions,
    nonce: request.responseNonce,
    error: request.errorDetail?.message ?? "",
    ...(request.errorDetail === undefined ? {} : { refused: namesIn(request.errorDetail.details) }),
    node: request.node?.id ?? "",
  };
}
