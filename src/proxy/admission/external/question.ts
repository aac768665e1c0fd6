/** A question to a service that decides about requests, and the two forms in which it is put: gRPC and HTTP. */
import type { AdmissionRequest } from "../../../decide/index.ts";
import type { HttpRequest } from "../../http/index.ts";
import type { BodyStart } from "../filter.ts";
import type { UnaryAnswer, UnaryFailure, UnaryRequest } from "../unary-call.ts";
import type { Verdict } from "./verdict.ts";

export interface AskedRequest {
  readonly head: HttpRequest;
  readonly request: AdmissionRequest;
  /** Undefined: the policy sends none. */
  readonly body: BodyStart | undefined;
}

/** `authority` undefined: the service's own name. */
export interface Question extends Omit<UnaryRequest, "timeoutMs" | "authority"> {
  readonly authority: string | undefined;
}

export interface QuestionForm {
  /** Calls once, perhaps before it returns; with undefined where the form cannot say such a request. */
  prepare(asked: AskedRequest, onQuestion: (question: Question | undefined) => void): void;
  verdict(answer: UnaryAnswer): Verdict;
  /** What a failed call said all the same: a refusal stays one, however the rest of its answer failed. */
  refusalIn(failure: UnaryFailure): Verdict | undefined;
}
