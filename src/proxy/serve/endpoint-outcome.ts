/** Tells an endpoint what it answered. Of a gRPC call the status comes last, or in the head where nothing else comes. */
import { readGrpcStatus } from "../../grpc/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import type { HttpResponse, Trailers } from "../http/index.ts";
import { statusOfGrpc } from "../upstream/index.ts";
import type { Attempt } from "./attempt.ts";

export function recordHead(attempt: Attempt, head: HttpResponse, isGrpc: boolean): void {
  const { endpoint, answeredUs } = attempt;
  if (!isGrpc || head.status !== 200) {
    endpoint.recordStatus(head.status, answeredUs);
    return;
  }
  const status = readGrpcStatus(head);
  if (status !== undefined) endpoint.recordStatus(statusOfGrpc(status), answeredUs);
}

export function recordTrailers(attempt: Attempt, trailers: Trailers | undefined, nowUs: number): void {
  const status = trailers instanceof HeaderFields ? readGrpcStatus(trailers) : undefined;
  if (status !== undefined) attempt.endpoint.recordStatus(statusOfGrpc(status), nowUs);
}
