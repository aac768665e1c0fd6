/**
 * The copies of one request that mirrors get. Whatever becomes of them, the request itself never waits, fails or is told:
 * bytes that a mirror does not take are kept up to a bound and then the copy is given up. A copy is tried once, on one
 * endpoint, and goes to the mirror's cluster itself and not through routes, so no proxy mirrors it again.
 */
import { RequestHead } from "../../http1/index.ts";
import type { WheelTimer } from "../../net/index.ts";
import type { HttpRequest, HttpResponse, HttpVersion, Trailers } from "../http/index.ts";
import type { RequestLimit, UpstreamCluster, UpstreamEndpoint, UpstreamRequest } from "../upstream/index.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { ServeContext } from "./context.ts";
import { recordHead } from "./endpoint-outcome.ts";
import { fixedLimits } from "./limits.ts";
import type { MirrorOutcome } from "./metrics.ts";
import type { RequestBody } from "./request-body.ts";

/** From the request's last byte, where the request itself has not less time: nobody waits for the answer, but a connection does. */
const answerTimeoutMs = 30_000;

export interface MirroredRequest {
  readonly head: HttpRequest;
  readonly isGrpc: boolean;
  /** What has come of it already: filters may have had it read. */
  readonly body: RequestBody;
  /** As it is sent to a backend. */
  upstreamRequest(endpoint: UpstreamEndpoint, retries: number): UpstreamRequest;
  /** Of the request's own time; Infinity: it has no bound. */
  remainingMs(nowUs: number): number;
}

export class Mirrors {
  readonly #copies: readonly MirrorCopy[];

  /** Starts them. */
  constructor(context: ServeContext, request: MirroredRequest, clusters: readonly UpstreamCluster[]) {
    this.#copies = clusters.map((cluster) => new MirrorCopy(context, request, cluster));
    for (const copy of this.#copies) copy.start();
    const kept = request.body.kept();
    if (kept.length > 0) this.push(kept);
    if (request.body.isEnded) this.end(request.body.trailers);
  }

  /** The bytes must not change afterwards. */
  push(chunk: Uint8Array): void {
    for (const copy of this.#copies) copy.push(chunk);
  }

  end(trailers: Trailers | undefined): void {
    for (const copy of this.#copies) copy.end(trailers);
  }

  /** The request itself is over: a copy of which the rest will not come is given up. */
  close(): void {
    for (const copy of this.#copies) copy.close();
  }
}

class MirrorCopy implements AttemptOwner {
  readonly isUpgrade = false;
  /** Trouble is for the request alone. */
  readonly fault = undefined;
  readonly head: HttpRequest;
  readonly context: ServeContext;
  readonly #mirrored: MirroredRequest;
  readonly #cluster: UpstreamCluster;
  #request: UpstreamRequest | undefined;
  #attempt: Attempt | undefined;
  #limit: RequestLimit | undefined;
  #timer: WheelTimer | undefined;
  /** Not yet taken by the mirror. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #mayWrite = false;
  #isEnded = false;
  #trailers: Trailers | undefined;
  #status = 0;

  constructor(context: ServeContext, mirrored: MirroredRequest, cluster: UpstreamCluster) {
    this.head = mirrored.head;
    this.context = context;
    this.#mirrored = mirrored;
    this.#cluster = cluster;
  }

  start(): void {
    const { context, head } = this;
    const { isGrpc } = this.#mirrored;
    if (context.mirrorsInFlight >= fixedLimits.maxMirroredRequests) {
      context.metrics.limitReached("maxMirroredRequests");
      context.metrics.mirrored("overloaded");
      return;
    }
    const endpoint = this.#cluster.picker.pick(context.clock.monotonicUs(), context.random);
    if (endpoint === undefined) {
      context.metrics.mirrored("no_endpoint");
      return;
    }
    if (this.#cluster.requestLimit?.enter() === false) {
      context.metrics.mirrored("overloaded");
      return;
    }
    this.#limit = this.#cluster.requestLimit;
    context.mirrorsInFlight++;
    this.#request = this.#mirrored.upstreamRequest(endpoint, 0);
    this.#attempt = new Attempt(this, endpoint, 0, false);
    const client: HttpVersion = head instanceof RequestHead ? 1 : 2;
    this.#attempt.start(this.#cluster.versionFor(client, endpoint, isGrpc), 0);
  }

  push(chunk: Uint8Array): void {
    if (this.#attempt === undefined) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    this.#flush();
    if (this.#waitingBytes > this.context.limits.maxBufferedBodyBytes) this.#giveUp("body_too_slow");
  }

  end(trailers: Trailers | undefined): void {
    this.#isEnded = true;
    if (this.#attempt === undefined) return;
    this.#trailers = trailers;
    const { clock, wheel } = this.context;
    const timeoutMs = Math.min(answerTimeoutMs, Math.max(1, this.#mirrored.remainingMs(clock.monotonicUs())));
    this.#timer = wheel.schedule(timeoutMs, () => this.#giveUp("timed_out"));
    this.#flush();
  }

  close(): void {
    if (!this.#isEnded) this.#giveUp("cut_short");
  }

  // ---- the attempt

  requestFor(): UpstreamRequest {
    // An attempt is made after its request.
    if (this.#request === undefined) throw new Error("a copy without a request");
    return this.#request;
  }

  onAttemptOpen(): void {
    this.#mayWrite = true;
    this.#flush();
  }

  onAttemptInterim(): void {}

  onAttemptHead(attempt: Attempt, head: HttpResponse): void {
    this.#status = head.status;
    recordHead(attempt, head, this.#mirrored.isGrpc);
  }

  onAttemptBody(): void {}

  onAttemptEnd(attempt: Attempt): void {
    attempt.close();
    this.#finish(this.#status < 500 ? "answered" : "error_answered");
  }

  onAttemptDrain(): void {
    this.#mayWrite = true;
    this.#flush();
  }

  onAttemptFailed(): void {
    this.#finish("failed");
  }

  // ---- inside

  #flush(): void {
    let sent = 0;
    while (this.#mayWrite && sent < this.#waiting.length) {
      const chunk = this.#waiting[sent++];
      const upstream = this.#attempt?.upstream;
      if (chunk === undefined || upstream === undefined) break;
      this.#waitingBytes -= chunk.length;
      this.#mayWrite = upstream.writeBody(chunk);
    }
    if (sent > 0) this.#waiting.splice(0, sent);
    if (this.#isEnded && this.#mayWrite && this.#waiting.length === 0) {
      this.#mayWrite = false;
      this.#attempt?.upstream?.writeEnd(this.#trailers);
    }
  }

  #giveUp(outcome: MirrorOutcome): void {
    this.#attempt?.abandon();
    this.#finish(outcome);
  }

  #finish(outcome: MirrorOutcome): void {
    if (this.#attempt === undefined) return;
    this.#attempt = undefined;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#timer?.cancel();
    this.#limit?.leave();
    this.context.mirrorsInFlight--;
    this.context.metrics.mirrored(outcome);
  }
}
