/** The control plane over gRPC: one connection for the stream and all calls, with the certificate of the time it was opened. */
import { parseSpiffeId, type Clock, type Log, type ReasonCode, WeftError } from "../../kernel/index.ts";
import { type BidiHandlers, GrpcClient } from "../../grpc/index.ts";
import { peerProblem } from "../../identity/x509/index.ts";
import { meshServerName, type PeerCertificate, type PeerRefusal, type TlsIdentity } from "../../net/index.ts";
import {
  AggregatedDiscoveryService,
  Certificates,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  type IssueRequest,
  type IssueResponse,
  type LeaveRequest,
  type RegisterRequest,
  type RegisterResponse,
  Telemetry,
  type TelemetryAck,
  type TelemetryReport,
  Workloads,
} from "../../wire/index.ts";
import type {
  AdsHandlers,
  AdsStream,
  ControlPlane,
  TapChannel,
  TapChannelHandlers,
} from "./control-plane.ts";

interface ControlPlaneEndpoint {
  readonly address: string;
  readonly port: number;
}

export interface GrpcControlPlaneOptions {
  /** At least one. One at a time is used, from whichever; when it is gone, the next. */
  readonly endpoints: readonly ControlPlaneEndpoint[];
  /** In [0, 1): spreads proxies over the endpoints. */
  readonly random: () => number;
  /** SO_MARK that keeps this traffic out of the capture. */
  readonly mark?: number;
  /** Trusted until there is an identity, which brings its own. */
  readonly trustRootsPem: () => string;
  /** The one to show; undefined: none yet, or none that is valid. */
  readonly identity: () => TlsIdentity | undefined;
  readonly trustDomain: () => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whom a control plane's certificate must name. */
const controlNamespace = "weft-system";
const controlServiceAccount = "control";
/** Each is one small write in the control plane; after this the control plane counts as not there. */
const callTimeoutMs = 10_000;
/** Leaving is a courtesy that a shutdown must not hang on. */
const leaveTimeoutMs = 2_000;

export class GrpcControlPlane implements ControlPlane {
  readonly #options: GrpcControlPlaneOptions;
  #current: number;
  #client: GrpcClient;
  #isClosed = false;
  /** The newest connection was made while there was no certificate to show. */
  #isAnonymous = false;

  constructor(options: GrpcControlPlaneOptions) {
    this.#options = options;
    this.#current = Math.floor(options.random() * options.endpoints.length);
    this.#client = this.#connect();
  }

  #connect(): GrpcClient {
    const options = this.#options;
    const endpoint = options.endpoints[this.#current % options.endpoints.length];
    if (endpoint === undefined) throw new WeftError("internal", "a control plane without an address");
    return new GrpcClient({
      address: endpoint.address,
      port: endpoint.port,
      ...(options.mark === undefined ? {} : { mark: options.mark }),
      clock: options.clock,
      log: options.log,
      tls: () => {
        const identity = options.identity();
        this.#isAnonymous = identity === undefined;
        return {
          identity,
          trustRootsPem: identity?.trustRootsPem ?? options.trustRootsPem(),
          serverName: meshServerName,
          alpn: ["h2"],
          verifyPeer: (peer) => checkControlPlane(peer, options.trustDomain()),
        };
      },
    });
  }

  /** A certificate that was not valid for a while, by a clock that was wrong, is valid again without a renewal. */
  #showCertificate(): void {
    if (!this.#isAnonymous || this.#options.identity() === undefined) return;
    this.#isAnonymous = false;
    this.#client.refresh();
  }

  /** That one is gone, or does not want us: the next call goes to another. When to make it, the caller knows. */
  #leave(client: GrpcClient): void {
    if (client !== this.#client || this.#options.endpoints.length === 1 || this.#isClosed) return;
    this.#current++;
    this.#client = this.#connect();
    client.close();
  }

  async issue(request: IssueRequest, joinToken: string | undefined): Promise<IssueResponse> {
    const metadata = new Map(joinToken === undefined ? [] : [["authorization", `Bearer ${joinToken}`]]);
    const client = this.#client;
    try {
      return await client.unary(Certificates.method.issue, request, { metadata, timeoutMs: callTimeoutMs });
    } catch (error) {
      // Before the first certificate no stream tells that nobody is there.
      if (error instanceof WeftError && (error.code === "unavailable" || error.code === "timeout"))
        this.#leave(client);
      throw error;
    }
  }

  register(request: RegisterRequest): Promise<RegisterResponse> {
    return this.#client.unary(Workloads.method.register, request, { timeoutMs: callTimeoutMs });
  }

  async leave(request: LeaveRequest): Promise<void> {
    await this.#client.unary(Workloads.method.leave, request, { timeoutMs: leaveTimeoutMs });
  }

  report(report: TelemetryReport): Promise<TelemetryAck> {
    return this.#client.unary(Telemetry.method.report, report, { timeoutMs: callTimeoutMs });
  }

  openAds(handlers: AdsHandlers): AdsStream {
    this.#showCertificate();
    let isOver = false;
    let hasReturned = false;
    let isOpen = false;
    const client = this.#client;
    const closed = (why: string): void => {
      if (isOver) return;
      isOver = true;
      this.#leave(client);
      if (hasReturned) handlers.onClosed(why);
      else queueMicrotask(() => handlers.onClosed(why));
    };
    const bidiHandlers: BidiHandlers<DeltaDiscoveryResponse> = {
      onMessage: (response) => {
        if (!isOver) handlers.onResponse(response);
      },
      onDrain: () => {
        if (isOver || isOpen) return;
        isOpen = true;
        handlers.onOpen();
      },
      onClose: (status) => closed(status.message === "" ? status.code : status.message),
    };
    const stream = client.bidi(AggregatedDiscoveryService.method.deltaAggregatedResources, bidiHandlers);
    hasReturned = true;
    return {
      // What `send` returns is not needed: requests are few (one per demand, of which there is a limit, and one
      // per response), so that what waits here is bounded by what the control plane itself sent.
      send: (request: DeltaDiscoveryRequest) => void stream.send(request),
      close: () => {
        isOver = true;
        stream.close({ code: "cancelled", message: "the proxy ends the stream" });
      },
    };
  }

  openTaps(handlers: TapChannelHandlers): TapChannel {
    let isOver = false;
    // No handler is called before this has returned.
    const stream = this.#client.bidi(Telemetry.method.tap, {
      onMessage: (orders) => {
        if (!isOver) handlers.onOrders(orders);
      },
      onDrain: () => {
        if (!isOver) handlers.onDrain();
      },
      onClose: () => {
        if (isOver) return;
        isOver = true;
        handlers.onClosed();
      },
    });
    return {
      send: (upload) => stream.send(upload),
      close: () => {
        isOver = true;
        stream.close({ code: "cancelled", message: "the proxy ends the stream" });
      },
    };
  }

  renewConnection(): void {
    this.#client.refresh();
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }
}

/** Chain and DNS name were verified by TLS; any workload has these. Only the control plane has this identity. */
function checkControlPlane(
  peer: PeerCertificate,
  trustDomain: string | undefined,
): ReasonCode | PeerRefusal | undefined {
  const problem = peerProblem(peer.der);
  if (problem !== undefined) return { reason: "upstream_identity_mismatch", detail: problem };
  const uri = peer.uriSans.length === 1 ? peer.uriSans[0] : undefined;
  const id = uri === undefined ? undefined : parseSpiffeId(uri);
  if (id === undefined || id.namespace !== controlNamespace || id.serviceAccount !== controlServiceAccount) {
    return "upstream_identity_mismatch";
  }
  return trustDomain !== undefined && id.trustDomain !== trustDomain
    ? "upstream_identity_mismatch"
    : undefined;
}
