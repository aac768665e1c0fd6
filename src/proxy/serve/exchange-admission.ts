/** Admission of one HTTP request: its filters run, and what they make of it is said to its backend and to its client. */
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { FilterRefusal } from "../admission/filter.ts";
import type { HttpRequest, RequestRewrite } from "../http/index.ts";
import { AdmissionRun } from "./admission-run.ts";
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

export class ExchangeAdmission extends AdmissionRun {
  declare readonly http: RequestFacts;
  readonly #context: ServeContext;
  readonly #request: AdmittedRequest;
  readonly #client: ClientStream;
  #remoteAddress: string | undefined;
  #refusal: FilterRefusal | undefined;

  constructor(context: ServeContext, request: AdmittedRequest, client: ClientStream, asked: AskedFirst) {
    const { head, requestId, service } = request;
    super(context, asked, new RequestFacts(head, service.scheme, requestId, service));
    this.#context = context;
    this.#request = request;
    this.#client = client;
    this.#remoteAddress = undefined;
    this.#refusal = undefined;
  }

  // ---- what came of it

  /** For the log. */
  get policy(): PolicyNames {
    return policyNames(this.deed, this.#refusal);
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

  // ---- the run

  get remoteAddress(): string {
    const { head, service } = this.#request;
    return (this.#remoteAddress ??= service.remoteAddressOf?.(head) ?? this.caller.address);
  }

  protected get body(): RequestBody {
    return this.#request.body;
  }

  protected onAdmitted(): void {
    this.#request.onAdmitted();
  }

  protected onNotAdmitted(refusal: FilterRefusal): void {
    this.#refusal = refusal;
    recordRefusal(this.#context, this, refusal, this.#request.requestId);
    this.#request.onNotAdmitted(refusal, toldOf(this.#context, refusal));
  }

  protected onBodyWanted(): void {
    const { head, body } = this.#request;
    if (head.get("expect") !== undefined && body.byteLength === 0) this.#client.writeInterim(goAhead);
    this.#client.resumeRequest();
  }
}
