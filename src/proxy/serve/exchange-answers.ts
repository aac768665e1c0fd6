/** What an exchange answers itself, in the words of whoever asked: a peer's proxy, a gRPC program, any other client. */
import { type ReasonCode, reasons } from "../../kernel/index.ts";
import type { HeaderLine } from "../../http1/index.ts";
import type { ClientStream } from "./client-stream.ts";
import { type GrpcCall, redirectFailure } from "./grpc-call.ts";
import { pushbackLine, refusalLines } from "./hop-fields.ts";
import type { HttpAnswer, HttpService } from "./http-service.ts";
import type { Tries } from "./tries.ts";

/** What an exchange knows when it answers itself. */
export interface AnsweredRequest {
  readonly client: ClientStream;
  readonly service: HttpService;
  readonly requestId: string;
  readonly grpc: GrpcCall | undefined;
  readonly tries: Tries;
  /** Of the route: lines of every answer that is no backend's. */
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

/** A redirect, a preflight. */
export function answerRoute(request: AnsweredRequest, { status }: HttpAnswer): number {
  request.client.writeAnswer({
    status,
    requestId: request.requestId,
    lines: clientLines(request),
    isRequestEnded: request.isRequestEnded,
    grpc: request.grpc && redirectFailure,
  });
  return status;
}

function clientLines({ ownLines, grpc, tries }: AnsweredRequest): readonly HeaderLine[] {
  return grpc !== undefined && tries.isSpent ? [...ownLines, pushbackLine] : ownLines;
}
