/**
 * A connection to an endpoint for one TCP session: picks, dials, and tries another endpoint where that fails, since nothing
 * has been sent. Counts as load of its endpoint from the dial until `release` or `cancel`.
 *
 *   dialling -> connected (what the endpoint then says goes to whoever sets the sink) -> released | cancelled
 *            -> failed
 */
import type { CallerFacts } from "../../decide/index.ts";
import type { PreparedTelemetry } from "../../decide/telemetry/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import { type ConnectFailure, Connection, encodeProxyHeader, type PendingConnect } from "../../net/index.ts";
import type { SessionProtocol } from "../../wire/index.ts";
import type { AdmissionChain } from "../admission/index.ts";
import type { EdgeSeries } from "../telemetry/index.ts";
import { newestView, type UpstreamCluster, type UpstreamEndpoint } from "../upstream/index.ts";
import { ConnectionAffinity } from "./affinity.ts";
import type { ServeContext } from "./context.ts";

export interface TcpTarget {
  readonly cluster: UpstreamCluster;
  /** Unspecified: a connection that turns out to have been for nothing is closed without a byte, and not counted. */
  readonly protocol: SessionProtocol;
  edge(endpoint: UpstreamEndpoint | undefined): EdgeSeries;
  /** Absent: the defaults hold. */
  readonly telemetry?: PreparedTelemetry | undefined;
  /** The client's TLS ended here, so what goes on in plaintext may be encrypted again for the endpoint. */
  readonly isDecrypted?: boolean;
  /** What a failed connect is called here, where that says more than the socket's reason. */
  readonly failureReason?: ReasonCode;
  /** Sees the client's bytes pass, for what it then says to the log. */
  readonly sniffer?: { readonly name: string; onData(chunk: Uint8Array): void };
  /** Where the client meant to go, where its socket does not say it: the destination of a redirected connection. */
  readonly destination?: { readonly address: string; readonly port: number };
  /** Whom the client's certificate names, or whose proxy this is. */
  readonly sourceIdentity?: string;
  /** Absent: no policy is enforced here. */
  readonly admission?: TcpAdmission;
}

/** Who opened the connection, and what is asked of it. */
export interface TcpAdmission {
  readonly caller: CallerFacts;
  /** Why it would not be taken any more, whoever it is from. */
  refusal(): ReasonCode | undefined;
  /** By the newest configuration, the same object as long as that asks the same; undefined: nothing. */
  chain(): AdmissionChain | undefined;
}

export interface DialFailure {
  readonly reason: ReasonCode;
  readonly detail: string;
}

export interface DialListener {
  onConnected(server: Connection): void;
  onDialFailed(failure: DialFailure): void;
}

const maxAttempts = 3;

export class TcpDial {
  listener: DialListener;
  readonly target: TcpTarget;
  readonly #client: Connection;
  readonly #context: ServeContext;
  readonly #tried: UpstreamEndpoint[] = [];
  readonly #affinity: ConnectionAffinity | undefined;
  #attempts = 0;
  #endpoint: UpstreamEndpoint | undefined;
  #pending: PendingConnect | undefined;
  #server: Connection | undefined;
  #failure: DialFailure | undefined;
  #isOver = false;

  constructor(client: Connection, context: ServeContext, target: TcpTarget, listener: DialListener) {
    this.#client = client;
    this.#context = context;
    this.target = target;
    this.#affinity = target.cluster.picker.readsRequest
      ? new ConnectionAffinity(client.remoteAddress, target.sourceIdentity ?? "")
      : undefined;
    this.listener = listener;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** Undefined where it failed. */
  get endpoint(): UpstreamEndpoint | undefined {
    return this.#endpoint;
  }

  /** Undefined while dialling and where it failed. */
  get server(): Connection | undefined {
    return this.#server;
  }

  get failure(): DialFailure | undefined {
    return this.#failure;
  }

  start(): void {
    this.#next({ reason: "no_endpoint", detail: "the cluster has no usable endpoint" });
  }

  /** The endpoint broke the connection off before it was handed over. */
  fail(failure: DialFailure): void {
    this.#failure = failure;
  }

  /** The connection is not wanted any more, or not needed after all. */
  cancel(): void {
    this.#pending?.cancel();
    this.#pending = undefined;
    this.#server?.close();
    this.release();
  }

  /** The session is over. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#endpoint?.closeSession();
  }

  #next(failure: DialFailure): void {
    const context = this.#context;
    const endpoint =
      this.#attempts < maxAttempts
        ? newestView(this.target.cluster).picker.pick(
            context.clock.monotonicUs(),
            context.random,
            this.#tried,
            this.#affinity,
          )
        : undefined;
    if (endpoint === undefined) {
      this.#give(failure);
      return;
    }
    this.#attempts++;
    const refusal = endpoint.openSession();
    if (refusal !== undefined) {
      this.#refused(endpoint, refusal);
      return;
    }
    this.#endpoint = endpoint;
    const { protocol, isDecrypted } = this.target;
    const pending = endpoint.dial(protocol, (result) => this.#onDialled(endpoint, result), isDecrypted);
    // Over loopback it can be done by now, and even the next try under way.
    if (this.#endpoint === endpoint && this.#server === undefined && !this.#isOver) this.#pending = pending;
  }

  /** Another endpoint may have room where this one has none, but not where the whole cluster has none. */
  #refused(endpoint: UpstreamEndpoint, reason: ReasonCode): void {
    if (reason === "cluster_limit") {
      this.#context.metrics.clusterLimitReached("connections");
      this.#give({ reason, detail: `${this.target.cluster.key} has as many connections as it may` });
      return;
    }
    this.#tried.push(endpoint);
    this.#next({ reason, detail: "the endpoint has as many connections as it may" });
  }

  #give(failure: DialFailure): void {
    this.#failure = failure;
    this.listener.onDialFailed(failure);
  }

  #onDialled(endpoint: UpstreamEndpoint, result: Connection | ConnectFailure): void {
    this.#pending = undefined;
    if (this.#isOver) {
      if (result instanceof Connection) result.close();
      return;
    }
    if (result instanceof Connection) {
      endpoint.recordSession();
      this.#server = result;
      this.#introduce(result);
      this.listener.onConnected(result);
      return;
    }
    endpoint.closeSession();
    this.#endpoint = undefined;
    endpoint.recordConnectFailure(this.#context.clock.monotonicUs());
    this.#context.metrics.connectFailed(result.reason);
    this.#tried.push(endpoint);
    this.#next({ reason: this.target.failureReason ?? result.reason, detail: result.detail });
  }

  /** In a tunnel these are the session's first bytes, so the peer's proxy hands them to the application as they are. */
  #introduce(server: Connection): void {
    const version = proxyVersion(this.#context, this.target.cluster);
    if (version === undefined) return;
    const { remoteAddress, remotePort, localAddress, localPort } = this.#client;
    const source = { address: remoteAddress, port: remotePort };
    const destination = this.target.destination ?? { address: localAddress, port: localPort };
    server.write(encodeProxyHeader(version, source, destination));
  }
}

/** Which PROXY header connections to the cluster begin with. Only services can ask for one. */
export function proxyVersion(context: ServeContext, cluster: UpstreamCluster): 1 | 2 | undefined {
  if (cluster.service === "") return undefined;
  const version = context.agent.snapshot.cluster(cluster.key)?.proxyProtocol;
  return version === 1 || version === 2 ? version : undefined;
}
