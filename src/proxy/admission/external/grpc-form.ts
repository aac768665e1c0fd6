/** The gRPC form: envoy.service.auth.v3.Authorization/Check. */
import type { ExternalAuthorization } from "../../../model/index.ts";
import type { UnaryAnswer, UnaryFailure } from "../unary-call.ts";
import { maxAnswerBytes } from "./bounds.ts";
import type * as GrpcCodec from "./grpc-codec.ts";
import type { AskedRequest, Question, QuestionForm } from "./question.ts";
import { deniedAnswer, type Verdict } from "./verdict.ts";

/** Of google.rpc.Code. */
const permissionDenied = 7;
const unauthenticated = 16;

type Codec = typeof GrpcCodec;

/** Its codec is loaded by the first policy that asks in this form: descriptors cost memory that other proxies need not pay. */
export class GrpcForm implements QuestionForm {
  readonly #model: ExternalAuthorization;
  readonly #askedFields: ReadonlySet<string> | undefined;
  readonly #loading: Promise<Codec>;
  #codec: Codec | undefined = undefined;

  constructor(model: ExternalAuthorization) {
    this.#model = model;
    this.#askedFields = model.requestHeaders.length === 0 ? undefined : new Set(model.requestHeaders);
    this.#loading = this.#load();
  }

  prepare(asked: AskedRequest, onQuestion: (question: Question | undefined) => void): void {
    if (this.#codec === undefined) void this.#prepareLater(asked, onQuestion);
    else onQuestion(this.#question(this.#codec, asked));
  }

  verdict(answer: UnaryAnswer): Verdict {
    return this.#codec?.decodeCheckResponse(answer.body) ?? unreachable;
  }

  /** Verdicts stand in messages; a server that turns the call itself away lets nobody in by that. */
  refusalIn({ grpcStatus, detail }: UnaryFailure): Verdict | undefined {
    if (grpcStatus !== permissionDenied && grpcStatus !== unauthenticated) return undefined;
    return { kind: "denied", detail, answer: deniedAnswer(403, [], undefined) };
  }

  async #load(): Promise<Codec> {
    const codec = await import("./grpc-codec.ts");
    this.#codec = codec;
    return codec;
  }

  async #prepareLater(
    asked: AskedRequest,
    onQuestion: (question: Question | undefined) => void,
  ): Promise<void> {
    onQuestion(this.#question(await this.#loading, asked));
  }

  #question(codec: Codec, { head, request, body }: AskedRequest): Question {
    const { context } = this.#model;
    return {
      method: "POST",
      path: "/envoy.service.auth.v3.Authorization/Check",
      authority: undefined,
      fields: [],
      body: codec.encodeCheckRequest({ head, request, body, askedFields: this.#askedFields, context }),
      isGrpc: true,
      maxAnswerBytes,
    };
  }
}

const unreachable: Verdict = { kind: "unusable", detail: "the codec is not loaded" };
