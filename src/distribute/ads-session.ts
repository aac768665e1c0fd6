/**
 * One proxy's discovery stream: delta requests to a subscriber, its changes back as responses.
 *
 *   new --first request with a node that is allowed--> open --closed by either side--> closed
 */
import type { DeltaDiscoveryRequest } from "../wire/index.ts";
import type { Change } from "./change.ts";
import { kindOfTypeUrl, parseNode } from "./node.ts";
import type { ResourceKind } from "./resource-source.ts";
import {
  type EncodedResponse,
  namesIn,
  parseNonce,
  type ResponseContents,
  type ResponseEncoder,
} from "./response-encoder.ts";
import type { Subscriber } from "./subscriber.ts";
import { refusedNames } from "./refused-names.ts";
import { checkName, maxNameLength } from "./subscription-rules.ts";
import type { SubscriptionCore } from "./subscription-core.ts";
import { isNamedKind, type NamedKind, type ProxyIdentity } from "./wishes.ts";

/** Why a stream is ended: gRPC's codes, spelled as the codec spells them. */
export interface AdsRefusal {
  readonly code: "invalid_argument" | "permission_denied" | "resource_exhausted";
  readonly message: string;
}

export interface AdsSessionOptions {
  readonly core: SubscriptionCore;
  readonly encoder: ResponseEncoder;
  /** May the stream's certificate speak for this workload, in this role? */
  readonly mayActFor: (workload: string, role: ProxyIdentity["role"]) => boolean;
  /** Runs once all that arrived together was read: a proxy's first requests come in a row. */
  readonly defer: (flush: () => void) => void;
  readonly send: (parts: readonly Uint8Array[]) => void;
  /** Undefined: one more stream of this workload may be opened. */
  readonly admit?: (identity: ProxyIdentity) => AdsRefusal | undefined;
  readonly onOpen: (identity: ProxyIdentity) => void;
  /** What the stream was allowed it no longer is: it must end. */
  readonly onRevoked?: (refusal: AdsRefusal) => void;
  readonly onRejected: (identity: ProxyIdentity, message: string) => void;
}

/** Of a rejection, as much as is worth keeping and showing. */
const maxRejectionLength = 1_000;
const allGateways = "*";
/** Nothing is kept of a change that is answered: there are as many sessions as proxies. */
const noResponses: ReadonlyMap<string, ResponseContents> = new Map();

export class AdsSession {
  readonly #options: AdsSessionOptions;
  #subscriber: Subscriber | undefined = undefined;
  /** What is in each response of the change in flight, by nonce; what was rejected of it so far. */
  #responses: ReadonlyMap<string, ResponseContents> = noResponses;
  /** "Kind key" to why. */
  #rejectedNames = new Map<string, string>();
  #rejectedText: string[] = [];
  #isFlushDue = false;

  constructor(options: AdsSessionOptions) {
    this.#options = options;
  }

  get identity(): ProxyIdentity | undefined {
    return this.#subscriber?.identity;
  }

  /** Returns why the stream must end, where it must. */
  receive(request: DeltaDiscoveryRequest): AdsRefusal | undefined {
    if (this.#subscriber === undefined) {
      const refusal = this.#open(request);
      if (refusal !== undefined) return refusal;
    }
    const subscriber = this.#subscriber;
    if (subscriber === undefined) return undefined;
    const kind = kindOfTypeUrl(request.typeUrl);
    if (kind === undefined)
      return { code: "invalid_argument", message: `unknown type ${request.typeUrl.slice(0, 128)}` };
    if (kind !== "Commit") {
      const refusal = this.#applyNames(subscriber, kind, request);
      if (refusal !== undefined) return refusal;
    }
    if (request.responseNonce !== "") this.#receiveAnswer(subscriber, request);
    this.#scheduleFlush(subscriber);
    return undefined;
  }

  close(): void {
    if (this.#subscriber !== undefined) this.#options.core.closeSubscriber(this.#subscriber);
  }

  #scheduleFlush(subscriber: Subscriber): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#options.defer(() => {
      this.#isFlushDue = false;
      subscriber.flush();
    });
  }

  #open(request: DeltaDiscoveryRequest): AdsRefusal | undefined {
    const identity = request.node === undefined ? undefined : parseNode(request.node);
    if (identity === undefined) {
      return {
        code: "invalid_argument",
        message: "the first request needs a node with id namespace/workload and a role",
      };
    }
    if (!this.#options.mayActFor(identity.workload, identity.role)) {
      return {
        code: "permission_denied",
        message: `this certificate may not act for ${identity.role} ${identity.workload}`,
      };
    }
    const refusal = this.#options.admit?.(identity);
    if (refusal !== undefined) return refusal;
    this.#subscriber = this.#options.core.open(identity, (change) => this.#send(change));
    this.#options.onOpen(identity);
    return undefined;
  }

  #applyNames(
    subscriber: Subscriber,
    kind: ResourceKind,
    request: DeltaDiscoveryRequest,
  ): AdsRefusal | undefined {
    subscriber.resume(kind, request.initialResourceVersions);
    // Clusters, endpoints and the mesh come by themselves; naming them changes nothing.
    if (!isNamedKind(kind)) return undefined;
    for (const key of request.resourceNamesSubscribe) {
      const refusal = this.#checkName(subscriber.identity, kind, key);
      if (refusal !== undefined) return refusal;
    }
    let names = request.resourceNamesSubscribe;
    if (kind === "Gateway" && names.includes(allGateways)) {
      subscriber.subscribeAllGateways();
      names = names.filter((key) => key !== allGateways);
    }
    if (subscriber.subscribe(kind, names) === "too_many") {
      return { code: "resource_exhausted", message: "too many subscriptions on one stream" };
    }
    subscriber.unsubscribe(kind, request.resourceNamesUnsubscribe);
    return undefined;
  }

  #checkName(identity: ProxyIdentity, kind: NamedKind, key: string): AdsRefusal | undefined {
    if (key === "" || key.length > maxNameLength) {
      return { code: "invalid_argument", message: `a ${kind} name is empty or too long` };
    }
    const mayActFor = (workload: string): boolean => this.#options.mayActFor(workload, "sidecar");
    const problem = checkName({ identity, kind, key, mayActFor });
    return problem === undefined ? undefined : { code: "permission_denied", message: problem };
  }

  /** What is for one workload's proxy alone is sent only while the stream may have it: accounts of workloads and gateways change. */
  #revocation(change: Change): AdsRefusal | undefined {
    const identity = this.identity;
    if (identity === undefined) return undefined;
    const { mayActFor } = this.#options;
    for (const { kind, key } of change.upserts) {
      const isAllowed =
        kind === "Inbound"
          ? mayActFor(key, "sidecar")
          : kind === "Gateway" || kind === "Certificate"
            ? identity.role === "gateway" && mayActFor(identity.workload, "gateway")
            : true;
      if (isAllowed) continue;
      return { code: "permission_denied", message: `this certificate may not have ${kind} ${key} any more` };
    }
    return undefined;
  }

  #send(change: Change): void {
    const revoked = this.#revocation(change);
    if (revoked !== undefined) {
      this.#options.defer(() => this.#options.onRevoked?.(revoked));
      return;
    }
    const responses: EncodedResponse[] = this.#options.encoder.encode(change);
    this.#responses = new Map(responses.map(({ nonce, contents }) => [nonce, contents]));
    this.#rejectedNames = new Map();
    this.#rejectedText = [];
    for (const { parts } of responses) this.#options.send(parts);
  }

  /**
   * Responses are answered one by one once their change is live; the answer to the commit, the last, settles it.
   */
  #receiveAnswer(subscriber: Subscriber, { responseNonce, errorDetail }: DeltaDiscoveryRequest): void {
    const sequence = parseNonce(responseNonce);
    const contents = this.#responses.get(responseNonce);
    if (sequence === undefined || contents === undefined || sequence !== subscriber.unacknowledged) return;
    const isCommit = responseNonce === String(sequence);
    if (errorDetail !== undefined) {
      this.#rejectedText.push(errorDetail.message.slice(0, maxRejectionLength));
      // A rejected commit rejects all of the change.
      const all = [...(isCommit ? this.#responses.values() : [contents])].flatMap(namesIn);
      for (const [{ kind, key }, why] of refusedNames(all, errorDetail))
        this.#rejectedNames.set(`${kind} ${key}`, why);
    }
    if (!isCommit) return;
    this.#responses = noResponses;
    if (this.#rejectedText.length === 0) return subscriber.acknowledge(sequence);
    const message = this.#rejectedText.join("; ").slice(0, maxRejectionLength);
    const rejected = this.#rejectedNames;
    this.#options.onRejected(subscriber.identity, message);
    subscriber.reject(sequence, message, ({ kind, key }) => rejected.get(`${kind} ${key}`));
  }
}
