/** What an exchange answers itself, in the words of whoever asked: a peer's proxy, a gRPC program, any other client. */
import { httpStatusToGrpc } from "../../grpc/index.ts";
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import { framingNames, type HeaderLine } from "../../http1/index.ts";
import type { FilterRefusal } from "../admission/filter.ts";
import type { ClientStream } from "./client-stream.ts";
import { type GrpcCall, redirectFailure } from "./grpc-call.ts";
import { denialLine, pushbackLine, refusalLines } from "./hop-fields.ts";
import type { HttpAnswer, HttpService } from "./http-service.ts";
import type { Tries } from "./tries.ts";

/** What an exchange knows when it answers itself. */
export interface AnsweredRequest {
  readonly client: ClientStream;
  readonly service: HttpService;
  readonly requestId: string;
  readonly grpc: GrpcCall | undefined;
  readonly tries: Tries;
  /** Of the route and of filters: lines of every answer that is no backend's. */
  readonly ownLines: readonly HeaderLine[];
  readonly isRequestEnded: boolean;
  readonly isInherited: boolean;
}

/** Returns the status that was said. */
export function answerRefusal(request: AnsweredRequest, reason: ReasonCode): number {
  const { client, service, requestId, grpc } = request;
  const facts = request.tries.fault?.factsOf(reason) ?? reasons[reason];
  const isToPeer = service.tellsUnprocessed;
  client.writeRefusal({
    reason,
    status: facts.httpStatus,
    requestId,
    lines: isToPeer ? refusalLines(reason, request.isInherited) : clientLines(request),
    isRequestEnded: request.isRequestEnded,
    // The calling proxy reads the status, tries elsewhere, or says it in gRPC's way itself.
    grpc: isToPeer && facts.isUnprocessed ? undefined : grpc?.failure(reason, requestId, facts),
  });
  return facts.httpStatus;
}

/**
 * A policy's no is final wherever it is said: unlike other refusals of an inbound proxy it is told to the caller as it is, and
 * no other endpoint is asked. `told`: what the caller may know beside its class.
 */
export function answerNotAdmitted(
  request: AnsweredRequest,
  refusal: FilterRefusal,
  told: string | undefined,
): number {
  const { client, requestId, grpc, isRequestEnded } = request;
  const { reason, answer } = refusal;
  // The calling proxy takes it off answers that failed, and looks at no others.
  const isFailure = answer === undefined || answer.status >= 400;
  const denial = request.service.tellsUnprocessed && isFailure ? denialLine(reason) : undefined;
  const ownLines = denial === undefined ? request.ownLines : [...request.ownLines, denial];
  const failure = grpc?.failure(reason, requestId);
  const spoken =
    failure && told !== undefined ? { ...failure, message: `${failure.message}: ${told}` } : failure;
  if (answer === undefined) {
    const status = reasons[reason].httpStatus;
    client.writeRefusal({ reason, status, requestId, told, lines: ownLines, isRequestEnded, grpc: spoken });
    return status;
  }
  const { status, body } = answer;
  client.writeAnswer({
    status,
    requestId,
    lines: [...ownLines, ...answer.lines.filter(isSaid)],
    isRequestEnded,
    ...(body !== undefined && body.length > 0 && { body }),
    grpc: spoken && { ...spoken, status: httpStatusToGrpc(status) },
  });
  return status;
}

function isSaid({ nameLower }: HeaderLine): boolean {
  return nameLower !== "x-request-id" && !framingNames.has(nameLower);
}

/** A redirect, a preflight. */
export function answerRoute(request: AnsweredRequest, { status, lines }: HttpAnswer): number {
  request.client.writeAnswer({
    status,
    requestId: request.requestId,
    lines: [...lines, ...clientLines(request)],
    isRequestEnded: request.isRequestEnded,
    grpc: request.grpc && redirectFailure,
  });
  return status;
}

function clientLines({ ownLines, grpc, tries }: AnsweredRequest): readonly HeaderLine[] {
  return grpc !== undefined && tries.isSpent ? [...ownLines, pushbackLine] : ownLines;
}
