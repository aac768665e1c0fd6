/**
 * The filters of one request or connection, one after another, until one refuses or all have let it on.
 *
 *   running --continue--> next | admitted
 *      |  '--suspended--> waiting --resume--> running
 *      '-- refused | cancelled (the client is gone, or time is up)
 */
import type { AdmissionRequest, CallerFacts, Claims } from "../../decide/index.ts";
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type {
  BodyStart,
  FilteredExchange,
  FilterRefusal,
  FilterStep,
  FilterWaiter,
  PolicyDeed,
  RequestFilter,
} from "../admission/filter.ts";
import type { HttpRequest } from "../http/index.ts";
import type { ServeContext } from "./context.ts";
import type { AskedFirst } from "./http-service.ts";
import type { RequestBody } from "./request-body.ts";
import type { RequestFacts } from "./request-facts.ts";

type RunContext = Pick<ServeContext, "clock" | "policies">;

interface BodyReader {
  readonly maxBytes: number;
  readonly onBody: (body: BodyStart | undefined) => void;
}

/** What is told in the log of several deeds: the one that decided. */
const weights: Record<PolicyDeed["verdict"], number> = {
  denied: 5,
  limited: 5,
  would_deny: 3,
  would_limit: 3,
  audited: 2,
  allowed: 1,
};

/** A base class and not a part, since a request is made of as few objects as can be. */
export abstract class AdmissionRun implements FilteredExchange, FilterWaiter, AdmissionRequest {
  readonly caller: CallerFacts;
  /** Undefined: of a connection without a request. */
  readonly http: RequestFacts | undefined;
  claims: Claims | undefined;
  /** The policy that decided, or what comes nearest to that. */
  deed: PolicyDeed | undefined;
  readonly #context: RunContext;
  readonly #filters: readonly RequestFilter[];
  #index: number;
  #isOver: boolean;
  #nowMs: number;
  #reader: BodyReader | undefined;
  #answerLines: HeaderLine[] | undefined;
  #answerHeaders: HeaderLine[] | undefined;

  constructor(context: RunContext, { caller, filters }: AskedFirst, http: RequestFacts | undefined) {
    this.caller = caller;
    this.http = http;
    this.claims = undefined;
    this.deed = undefined;
    this.#context = context;
    this.#filters = filters;
    this.#index = 0;
    this.#isOver = false;
    this.#nowMs = 0;
    this.#reader = undefined;
    this.#answerLines = undefined;
    this.#answerHeaders = undefined;
  }

  abstract readonly remoteAddress: string;
  /** Undefined: of a connection without a request. */
  protected abstract readonly body: RequestBody | undefined;
  /** One of the two is called once, perhaps before `start` returns; not after `cancel`. */
  protected abstract onAdmitted(): void;
  protected abstract onNotAdmitted(refusal: FilterRefusal): void;
  /** A filter waits for more of the request's body. */
  protected abstract onBodyWanted(): void;

  /** Of the first filter that asks, for all of them. */
  get nowMs(): number {
    if (this.#nowMs === 0) this.#nowMs = this.#context.clock.nowMs();
    return this.#nowMs;
  }

  start(): void {
    this.#advance();
  }

  /** The client is gone, or time is up. Idempotent. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.onBody(undefined);
    this.#filters[this.#index]?.cancel(this);
  }

  /** Whether the body is to be read on: it waits for its backend where no filter wants more of it. */
  onBody(): boolean {
    const reader = this.#reader;
    if (reader === undefined) return false;
    if (!this.#hasRead(reader.maxBytes)) return true;
    this.#reader = undefined;
    reader.onBody(this.#bodyStart(reader.maxBytes));
    return this.#reader !== undefined;
  }

  /** Lines for whatever the proxy answers itself. */
  get ownLines(): readonly HeaderLine[] {
    return this.#answerLines ?? noLines;
  }

  answerEdits(edits: HeadEdits | undefined): HeadEdits | undefined {
    if (this.#answerLines === undefined && this.#answerHeaders === undefined) return edits;
    return {
      set: joined(edits?.set, this.#answerHeaders),
      add: joined(edits?.add, this.#answerLines),
      remove: edits?.remove ?? noNames,
    };
  }

  // ---- what filters see

  /** Itself: nothing more is made for a request than need be. */
  get request(): AdmissionRequest {
    return this;
  }

  get head(): HttpRequest | undefined {
    return this.http?.head;
  }

  setRequestHeader(nameLower: string, value: string): void {
    this.http?.set(nameLower, value);
  }

  setRequestLine(line: HeaderLine): void {
    this.http?.setLine(line);
  }

  addRequestHeader(nameLower: string, value: string): void {
    this.http?.add(nameLower, value);
  }

  removeRequestHeader(nameLower: string): void {
    this.http?.remove(nameLower);
  }

  setRequestQuery(query: string): void {
    this.http?.setQuery(query);
  }

  addAnswerLine(line: HeaderLine): void {
    (this.#answerLines ??= []).push(line);
  }

  setAnswerHeader(nameLower: string, value: string): void {
    const line = this.http?.answerLine(nameLower, value);
    if (line !== undefined) (this.#answerHeaders ??= []).push(line);
  }

  readBody(maxBytes: number, onBody: (body: BodyStart | undefined) => void): void {
    const reader: BodyReader = { maxBytes, onBody };
    this.#reader = reader;
    if (!this.#hasRead(maxBytes)) {
      this.onBodyWanted();
      return;
    }
    // A filter is not called back before it has said that it waits.
    queueMicrotask(() => {
      if (this.#reader === reader) this.onBody();
    });
  }

  note(deed: PolicyDeed): void {
    this.#context.policies.count(deed.source, deed.rule, deed.verdict);
    if (this.deed === undefined || weights[deed.verdict] > weights[this.deed.verdict]) this.deed = deed;
  }

  /** Of the filter that was started last. */
  resume(step: "continue" | FilterRefusal): void {
    if (this.#isOver) return;
    this.#reader = undefined;
    if (step === "continue") {
      this.#index++;
      this.#advance();
      return;
    }
    this.#isOver = true;
    this.onNotAdmitted(step);
  }

  // ---- inside

  #advance(): void {
    for (;;) {
      const filter = this.#filters[this.#index];
      if (filter === undefined) {
        this.#isOver = true;
        this.onAdmitted();
        return;
      }
      const step = this.#startFilter(filter);
      if (step === "suspended") return;
      if (step !== "continue") {
        this.#isOver = true;
        this.onNotAdmitted(step);
        return;
      }
      this.#index++;
    }
  }

  #startFilter(filter: RequestFilter): FilterStep {
    try {
      return filter.start(this, this);
    } catch (error) {
      // Closed, and said: a filter that throws is a defect, and nobody is let in by one.
      const reason: ReasonCode = "internal";
      return { reason, detail: `a filter failed: ${String(error)}`, source: undefined };
    }
  }

  #hasRead(maxBytes: number): boolean {
    const { body } = this;
    return body === undefined || body.isEnded || body.byteLength >= maxBytes;
  }

  #bodyStart(maxBytes: number): BodyStart {
    const { body } = this;
    if (body === undefined) return { bytes: new Uint8Array(0), isWhole: true };
    const kept = body.kept();
    return kept.length > maxBytes
      ? { bytes: kept.subarray(0, maxBytes), isWhole: false }
      : { bytes: kept, isWhole: body.isEnded };
  }
}

const noLines: readonly HeaderLine[] = [];
const noNames: readonly string[] = [];

function joined(
  first: readonly HeaderLine[] | undefined,
  second: readonly HeaderLine[] | undefined,
): readonly HeaderLine[] {
  if (second === undefined) return first ?? noLines;
  return first === undefined || first.length === 0 ? second : [...first, ...second];
}
