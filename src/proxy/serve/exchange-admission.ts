/** Admission of one HTTP request: its filters run, and what they make of it is said to its backend and to its client. */
import type { CallerFacts } from "../../decide/index.ts";
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { FilterRefusal, RequestFilter } from "../admission/filter.ts";
import type { HttpRequest, RequestRewrite } from "../http/index.ts";
import { type AdmissionHost, AdmissionRun, type AdmissionSubject } from "./admission-run.ts";
import type { ClientStream } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import { goAhead } from "./exchange-heads.ts";
import type { AskedFirst, HttpService } from "./http-service.ts";
import type { PolicyNames } from "../observation/index.ts";
import { policyNames, recordRefusal, toldOf } from "./policy-record.ts";
import type { RequestBody } from "./request-body.ts";
import { RequestFacts } from "./request-facts.ts";

/** The request, and whoever waits for the verdict. */
export interface AdmittedRequest {
  readonly head: HttpRequest;
  readonly body: RequestBody;
  readonly requestId: string;
  readonly service: HttpService;
  onAdmitted(): void;
  /** `told`: what the client may know beside the class of its error. */
  onNotAdmitted(refusal: FilterRefusal, told: string | undefined): void;
}

export class ExchangeAdmission implements AdmissionHost, AdmissionSubject {
  readonly caller: CallerFacts;
  readonly remoteAddress: string;
  readonly http: RequestFacts;
  readonly body: RequestBody;
  readonly #context: ServeContext;
  readonly #request: AdmittedRequest;
  readonly #client: ClientStream;
  readonly #run: AdmissionRun;
  readonly #filters: readonly RequestFilter[];
  #refusal: FilterRefusal | undefined = undefined;

  constructor(
    context: ServeContext,
    request: AdmittedRequest,
    client: ClientStream,
    { filters, caller }: AskedFirst,
  ) {
    const { head, body, requestId, service } = request;
    this.#context = context;
    this.#request = request;
    this.#client = client;
    this.caller = caller;
    this.remoteAddress = service.remoteAddressOf?.(head) ?? caller.address;
    this.http = new RequestFacts(head, service.scheme, requestId, service);
    this.body = body;
    this.#run = new AdmissionRun(context, this, this);
    this.#filters = filters;
  }

  /** The request may have its verdict when this returns. */
  start(): void {
    this.#run.start(this.#filters);
  }

  /** The client is gone, or time is up. */
  cancel(): void {
    this.#run.cancel();
  }

  /** Some of the body has come, or its end. False: no filter wants more of it. */
  onBody(): boolean {
    return this.#run.onBody();
  }

  // ---- what came of it

  /** For the log. */
  get policy(): PolicyNames {
    return policyNames(this.#run.deed, this.#refusal);
  }

  requestEdits(edits: HeadEdits | undefined): HeadEdits | undefined {
    return this.http.edits(edits);
  }

  rewrite(rewrite: RequestRewrite | undefined): RequestRewrite | undefined {
    return this.http.rewrite(rewrite);
  }

  addLines(lines: HeaderLine[]): void {
    if (this.http.lines !== undefined) lines.push(...this.http.lines);
  }

  get changedNames(): readonly string[] {
    return this.http.changedNames;
  }

  answerEdits(edits: HeadEdits | undefined): HeadEdits | undefined {
    return this.#run.answerEdits(edits);
  }

  /** Of an answer of the proxy's own. */
  get ownLines(): readonly HeaderLine[] {
    return this.#run.ownLines;
  }

  // ---- the run

  onAdmitted(): void {
    this.#request.onAdmitted();
  }

  onNotAdmitted(refusal: FilterRefusal): void {
    this.#refusal = refusal;
    recordRefusal(this.#context, this.#run, refusal, this.#request.requestId);
    this.#request.onNotAdmitted(refusal, toldOf(this.#context, refusal));
  }

  onBodyWanted(): void {
    const { head, body } = this.#request;
    if (head.get("expect") !== undefined && body.byteLength === 0) this.#client.writeInterim(goAhead);
    this.#client.resumeRequest();
  }
}
