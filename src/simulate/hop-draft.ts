/** A hop while it is worked out, and the outcomes that it may have. */
import type { Hop, Outcome, SourceRef } from "../api/index.ts";
import { type ReasonCode, reasons } from "../kernel/index.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };
export type HopDraft = Mutable<Hop>;

export const forwarded: Outcome = { verdict: "forwarded" };

export function draftHop(place: Pick<Hop, "proxy" | "listener" | "protocol">): HopDraft {
  return {
    ...place,
    also: [],
    admission: [],
    limits: [],
    faults: [],
    settings: [],
    requestEdits: [],
    responseEdits: [],
    mirrors: [],
    backends: [],
    outcome: forwarded,
    notes: [],
  };
}

const denials: ReadonlySet<ReasonCode> = new Set([
  "mtls_required",
  "jwt_missing",
  "jwt_invalid",
  "authorization_denied",
  "external_denied",
  "rate_limited",
  "destination_denied",
  "peer_identity_invalid",
]);

/** `carries`: what is spoken; raw connections are reset, so there is no status. */
export function refusal(
  reason: ReasonCode,
  detail: string,
  options: { readonly carries: "http" | "grpc" | "bytes"; readonly by?: SourceRef | undefined },
): Outcome {
  const { httpStatus, grpcStatus } = reasons[reason];
  const { carries, by } = options;
  return {
    verdict: denials.has(reason) ? "denied" : "refused",
    reason,
    ...(detail === "" ? {} : { detail }),
    ...(carries === "http" ? { status: httpStatus } : {}),
    // A failure of a call is a response of trailers only.
    ...(carries === "grpc" ? { status: 200, grpcStatus } : {}),
    ...(by === undefined ? {} : { by }),
  };
}
