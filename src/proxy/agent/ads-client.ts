/**
 * The proxy's end of the delta discovery stream. Everything that came since the last commit becomes live together, and
 * only then is it acknowledged: an ack says "this runs here", not "this arrived".
 *
 *   waiting --timer--> open --the stream ends--> waiting          any --close()--> closed
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type Clock, errorLine, type Log, type Timer } from "../../kernel/index.ts";
import { typeUrl } from "../../model/index.ts";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type Node,
  RefusedResourcesSchema,
  type Status,
  StatusSchema,
} from "../../wire/index.ts";
import type { DemandKind } from "./agent.ts";
import { Backoff } from "./backoff.ts";
import type { Configuration } from "./configuration.ts";
import type { AdsStream, ControlPlane } from "./control-plane.ts";
import type { DemandName } from "./demands.ts";
import type { ResourceKind } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";
import { type Rejection, type StagedCommit, Staging } from "./staging.ts";

export interface AdsClientOptions {
  readonly controlPlane: ControlPlane;
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
  /** Asked with each stream. */
  readonly node: () => Node;
  readonly isGateway: boolean;
  /** What is asked for now, of one kind. */
  readonly demands: (kind: DemandKind) => readonly string[];
  /** Whether it is still asked for: answers to what was given up meanwhile are dropped. */
  readonly isDemanded: (name: DemandName) => boolean;
  /** The stream is open, or is not any more. */
  readonly onState: (state: "open" | "closed") => void;
  /** What must have happened before what is live here is acknowledged: elsewhere nothing says otherwise. Undefined: nothing. */
  readonly carried: () => Promise<void> | undefined;
  /** Live here, and not acknowledged yet. `overrules`: something that was live is not any more. */
  readonly onCommit: (commit: StagedCommit, overrules: boolean) => void;
}

/** Short enough that a restarted control plane is noticed within its workloads' leases, long enough for thousands of proxies. */
const reconnectLimits = { minMs: 100, maxMs: 3_000 };
/** A stream that lasted this long was a good one: its end is news, not the next failure in a row. */
const goodStreamMs = 5_000;
/** Resources named in the text of one rejection; the rest is counted. */
const maxRejectedNamed = 20;
/** More than so many, with why, would be a message of its own size: then all of the response count as refused. */
const maxRejectedListed = 1_000;
/** Of a reason, as much as is worth telling. */
const maxWhyLength = 300;
/** google.rpc.Code */
const invalidArgument = 3;
/**
 * Versions first of all that a subscription implies, so that the control plane knows what is here before it answers
 * the first subscription.
 */
const order: readonly ResourceKind[] = [
  "Mesh",
  "Inbound",
  "Cluster",
  "Endpoint",
  "Certificate",
  "Gateway",
  "Outbound",
  "Name",
  "Address",
];
const demandKinds: readonly DemandKind[] = ["Outbound", "Name", "Address"];
/** Any name: all gateways of weft's class. */
const allGateways = "*";

export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #backoff: Backoff;
  readonly #staging = new Staging();
  readonly #added = new Map<DemandKind, Set<string>>();
  readonly #ended = new Map<DemandKind, Set<string>>();
  #stream: AdsStream | undefined;
  #timer: Timer | undefined;
  #isFlushing = false;
  #isClosed = false;
  #isOpen = false;
  #openedAtMs = 0;
  #lastError = "";
  /** Acknowledgements that wait, in the order of their commits. */
  #acknowledging: Promise<void> = Promise.resolve();

  constructor(options: AdsClientOptions) {
    this.#options = options;
    this.#backoff = new Backoff(reconnectLimits, options.random);
  }

  get isConnected(): boolean {
    return this.#isOpen;
  }

  get lastError(): string {
    return this.isConnected ? "" : this.#lastError;
  }

  /** Opens the stream, or the next one at once where one is open. */
  restart(): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#stream?.close();
    if (this.#stream !== undefined) this.#streamEnded();
    this.#open();
  }

  subscribe({ kind, key }: DemandName): void {
    change(this.#added, this.#ended, kind, key);
    this.#scheduleFlush();
  }

  unsubscribe(names: readonly DemandName[]): void {
    for (const { kind, key } of names) change(this.#ended, this.#added, kind, key);
    this.#scheduleFlush();
  }

  close(): void {
    this.#isClosed = true;
    this.#isOpen = false;
    this.#timer?.cancel();
    this.#stream?.close();
    this.#stream = undefined;
  }

  #open(): void {
    const stream = this.#options.controlPlane.openAds({
      onOpen: () => {
        if (this.#stream === stream) this.#opened();
      },
      onResponse: (response) => {
        if (this.#stream !== stream) return;
        const result = this.#staging.push(response);
        if (result === "too_many_changes") this.#fail("the control plane sent too much without a commit");
        else if (result !== undefined) this.#commit(result);
      },
      onClosed: (why) => {
        if (this.#stream === stream) this.#lost(why);
      },
    });
    this.#stream = stream;
    this.#added.clear();
    this.#ended.clear();
    this.#introduce();
  }

  /** The first requests of a stream: who we are, what is live here, what we want. */
  #introduce(): void {
    const { configuration, demands, isGateway, node } = this.#options;
    for (const kind of order) {
      const versions = configuration.versions(kind);
      const demandKind = demandKinds.find((candidate) => candidate === kind);
      const names = demandKind === undefined ? [] : demands(demandKind);
      const subscribe = kind === "Gateway" && isGateway ? [allGateways] : [...names];
      const isFirst = kind === "Mesh";
      if (!isFirst && subscribe.length === 0 && Object.keys(versions).length === 0) continue;
      this.#send({
        typeUrl: typeUrl(kind),
        resourceNamesSubscribe: subscribe,
        initialResourceVersions: versions,
        ...(isFirst ? { node: node() } : {}),
      });
    }
  }

  #opened(): void {
    this.#isOpen = true;
    this.#openedAtMs = this.#options.clock.nowMs();
    this.#lastError = "";
    this.#options.onState("open");
  }

  #commit(commit: StagedCommit): void {
    this.#backoff.reset();
    const changes = commit.changes.filter((each) => this.#isWanted(each));
    const { configuration, onCommit } = this.#options;
    const overrules = configuration.isOverruledBy(changes);
    let answered = commit;
    try {
      configuration.apply(changes, commit.revision);
    } catch (error) {
      // Each is usable by itself, and together they are not: nothing of it is live.
      answered = this.#refused(commit, errorLine(error));
    }
    if (answered === commit) onCommit({ ...commit, changes }, overrules);
    const carried = this.#options.carried();
    if (carried === undefined) this.#acknowledge(answered);
    else this.#acknowledging = this.#acknowledgeAfter(carried, this.#acknowledging, answered);
  }

  #refused(commit: StagedCommit, why: string): StagedCommit {
    this.#options.log.error("a change cannot be used and nothing of it is", {
      revision: commit.revision,
      why,
    });
    const rejected = [{ kind: "Commit", name: "", why }];
    const last = commit.answers.length - 1;
    const answers = commit.answers.map((answer, index) =>
      index === last ? { ...answer, rejected } : answer,
    );
    return { ...commit, answers };
  }

  async #acknowledgeAfter(
    carried: Promise<void>,
    before: Promise<void>,
    commit: StagedCommit,
  ): Promise<void> {
    const stream = this.#stream;
    await before;
    await carried;
    if (this.#stream === stream) this.#acknowledge(commit);
  }

  #acknowledge(commit: StagedCommit): void {
    for (const { typeUrl: url, nonce, rejected } of commit.answers) {
      const errorDetail = refusalOf(rejected);
      this.#send({
        typeUrl: url,
        responseNonce: nonce,
        ...(errorDetail === undefined ? {} : { errorDetail }),
      });
    }
  }

  /** What nobody asks for any more would stay for ever: nothing would end it. */
  #isWanted(change: ResourceChange): boolean {
    const { kind, name } = change.type === "upsert" ? change.resource : change;
    const demandKind = demandKinds.find((candidate) => candidate === kind);
    return demandKind === undefined || this.#options.isDemanded({ kind: demandKind, key: name });
  }

  #fail(why: string): void {
    this.#stream?.close();
    this.#lost(why);
  }

  #lost(why: string): void {
    const wasConnected = this.#isOpen;
    if (wasConnected && this.#options.clock.nowMs() - this.#openedAtMs >= goodStreamMs) this.#backoff.reset();
    this.#streamEnded();
    if (why !== this.#lastError || wasConnected) {
      this.#options.log.warn("not connected to the control plane; serving what is known", { reason: why });
    }
    this.#lastError = why;
    this.#timer = this.#options.clock.after(this.#backoff.nextMs(), () => {
      this.#timer = undefined;
      this.#open();
    });
  }

  #streamEnded(): void {
    this.#stream = undefined;
    this.#staging.discard();
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    if (wasOpen) this.#options.onState("closed");
  }

  /** One request for all that one event asked for. */
  #scheduleFlush(): void {
    if (this.#isFlushing || this.#stream === undefined) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (this.#stream === undefined) return;
      for (const kind of demandKinds) {
        const added = [...(this.#added.get(kind) ?? [])];
        const ended = [...(this.#ended.get(kind) ?? [])];
        if (added.length + ended.length === 0) continue;
        this.#send({
          typeUrl: typeUrl(kind),
          resourceNamesSubscribe: added,
          resourceNamesUnsubscribe: ended,
        });
      }
      this.#added.clear();
      this.#ended.clear();
    });
  }

  #send(request: Partial<Omit<DeltaDiscoveryRequest, "$typeName" | "$unknown">>): void {
    this.#stream?.send(create(DeltaDiscoveryRequestSchema, request));
  }
}

function refusalOf(rejected: readonly Rejection[]): Status | undefined {
  if (rejected.length === 0) return undefined;
  const resources = rejected.map(({ name, why }) => ({ name, why: why.slice(0, maxWhyLength) }));
  const value = toBinary(RefusedResourcesSchema, create(RefusedResourcesSchema, { resources }));
  const details =
    resources.length > maxRejectedListed
      ? []
      : [create(AnySchema, { typeUrl: `type.googleapis.com/${RefusedResourcesSchema.typeName}`, value })];
  return create(StatusSchema, { code: invalidArgument, message: describeRejections(rejected), details });
}

function describeRejections(rejected: readonly Rejection[]): string {
  const named = rejected.slice(0, maxRejectedNamed).map(({ kind, name, why }) => `${kind} ${name}: ${why}`);
  const more = rejected.length - named.length;
  return (more === 0 ? named : [...named, `and ${more} more`]).join("; ");
}

/** A key that is added and ended within one event is in neither request twice: the later one counts. */
function change(
  into: Map<DemandKind, Set<string>>,
  outOf: Map<DemandKind, Set<string>>,
  kind: DemandKind,
  key: string,
): void {
  outOf.get(kind)?.delete(key);
  const keys = into.get(kind);
  if (keys === undefined) into.set(kind, new Set([key]));
  else keys.add(key);
}
