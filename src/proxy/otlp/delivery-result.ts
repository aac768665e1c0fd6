/** What a collector's answer to one request means: taken, to be sent again, or in vain. Pure; OTLP 1.x says which is which. */
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { parseRetryAfter } from "../../decide/index.ts";
import { StatusSchema } from "../../wire/index.ts";
import { ExportTraceServiceResponseSchema } from "../../wire/otlp/index.ts";
import type { UnaryAnswer, UnaryFailure } from "../admission/unary-call.ts";
import { bounded } from "./attributes.ts";

export type DeliveryResult =
  /** `rejected`: so many items of it were not. */
  | { readonly kind: "taken"; readonly rejected: number; readonly detail: string }
  /** `afterMs`: what the collector asks for. */
  | { readonly kind: "retry"; readonly afterMs: number | undefined; readonly detail: string }
  | { readonly kind: "refused"; readonly detail: string };

/** Cancelled, deadline exceeded, aborted, out of range, unavailable, data loss. */
const retryableGrpc: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);
/** Worth another try only where the collector says when. */
const resourceExhausted = 8;
const retryableHttp: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const maxDetailLength = 200;

/** `nowMs`: wall clock, for dates in `Retry-After`. */
export function judgeDelivery(result: UnaryAnswer | UnaryFailure, nowMs: number): DeliveryResult {
  return result.kind === "answer" ? judgeAnswer(result, nowMs) : judgeFailure(result);
}

/** gRPC's answers have 200 here. */
function judgeAnswer({ status, head, body }: UnaryAnswer, nowMs: number): DeliveryResult {
  if (status >= 200 && status <= 299) return readPartialSuccess(body);
  const detail = `it answered with status ${status}`;
  if (!retryableHttp.has(status)) return { kind: "refused", detail };
  const retryAfter = head.get("retry-after");
  const afterMs = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, nowMs);
  return { kind: "retry", afterMs, detail };
}

function judgeFailure(failure: UnaryFailure): DeliveryResult {
  const { grpcStatus, grpcDetails, answerStatus, isTooLong, detail } = failure;
  if (grpcStatus !== undefined) {
    const afterMs = grpcDetails === undefined ? undefined : readRetryDelayMs(grpcDetails);
    const isExhausted = grpcStatus === resourceExhausted && afterMs !== undefined;
    return retryableGrpc.has(grpcStatus) || isExhausted
      ? { kind: "retry", afterMs, detail }
      : { kind: "refused", detail };
  }
  // What is longer than such answers are, or is none of gRPC's, comes from something else than a collector.
  if (isTooLong === true || failure.reason === "upstream_malformed" || failure.reason === "malformed_request")
    return { kind: "refused", detail };
  // Nothing came, or it was cut short; a batch that had been taken all the same is then sent twice, as OTLP has it.
  if (answerStatus === undefined || answerStatus <= 299 || retryableHttp.has(answerStatus))
    return { kind: "retry", afterMs: undefined, detail };
  return { kind: "refused", detail };
}

/** Of all three signals the answers are laid out alike. One that cannot be read still says that it was taken. */
function readPartialSuccess(body: Uint8Array): DeliveryResult {
  try {
    const { partialSuccess } = fromBinary(ExportTraceServiceResponseSchema, body);
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0n);
    const detail = bounded(partialSuccess?.errorMessage ?? "", maxDetailLength);
    return { kind: "taken", rejected: Math.max(0, rejected), detail };
  } catch {
    return { kind: "taken", rejected: 0, detail: "" };
  }
}

const retryInfoType = "/google.rpc.RetryInfo";

/** From `grpc-status-details-bin`: the delay of google.rpc.RetryInfo. Undefined: it has none that can be read. */
function readRetryDelayMs(base64: string): number | undefined {
  try {
    const { details } = fromBinary(StatusSchema, Buffer.from(base64, "base64"));
    const info = details.find(({ typeUrl }) => typeUrl.endsWith(retryInfoType));
    const duration = info && readField(info.value, 1);
    return duration instanceof Uint8Array ? durationMs(duration) : undefined;
  } catch {
    return undefined;
  }
}

/** google.protobuf.Duration: seconds and nanoseconds. Below 0 is 0. */
function durationMs(bytes: Uint8Array): number {
  const [seconds, nanos] = [readField(bytes, 1), readField(bytes, 2)];
  const ms =
    (typeof seconds === "number" ? seconds * 1_000 : 0) + (typeof nanos === "number" ? nanos / 1e6 : 0);
  return Math.max(0, Math.ceil(ms));
}

/** One field of a small message: a message's bytes, or a number. */
function readField(bytes: Uint8Array, wanted: number): Uint8Array | number | undefined {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== wanted) reader.skip(type, field);
    else if (type === WireType.LengthDelimited) return reader.bytes();
    else return Number(reader.int64());
  }
  return undefined;
}
