/** One request as it is sent to an endpoint: the client's head, what the route and filters make of it, what proxies tell each other. */
import { type HeaderLine, TextLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { UpstreamRequest } from "../upstream/index.ts";
import type { ExchangeAdmission } from "./exchange-admission.ts";
import type { Trace } from "../tracing/index.ts";
import { addTryLines, type TryField, withoutTry } from "./hop-fields.ts";
import type { HttpDestination, HttpService } from "./http-service.ts";

/** Of one exchange. It is that itself, so that nothing is made for a try but what is sent. */
export interface ComposedParts {
  readonly head: HttpRequest;
  readonly service: HttpService;
  readonly destination: HttpDestination | undefined;
  readonly admission: ExchangeAdmission | undefined;
  /** The proxy's own; undefined: the request brought one. */
  readonly newRequestId: string | undefined;
  readonly said: TryField | undefined;
  /** Undefined: tracing is off. */
  readonly trace: Trace | undefined;
  readonly isGrpc: boolean;
  readonly isUpgrade: boolean;
  /** Undefined: its time has no bound. */
  readonly leftMs: number | undefined;
}

export function composeRequest(parts: ComposedParts, isTunnelled: boolean, retries: number): UpstreamRequest {
  const { head, service, destination, admission, said, leftMs, newRequestId } = parts;
  const lines: HeaderLine[] = [];
  if (newRequestId !== undefined) lines.push(new TextLine("x-request-id", newRequestId));
  service.addLines(head, lines);
  admission?.addLines(lines);
  parts.trace?.addLines(lines, retries);
  const ofRoute = destination?.requestEdits;
  const edits = admission === undefined ? ofRoute : admission.requestEdits(ofRoute);
  const isPlain = retries === 0 && leftMs === undefined && said === undefined;
  const says =
    !isPlain &&
    addTryLines(lines, said, {
      isInbound: service.direction === "inbound",
      isTunnelled,
      isGrpc: parts.isGrpc,
      remainingMs: leftMs ?? Number.POSITIVE_INFINITY,
      retries,
    });
  return {
    head,
    edits: says || said === undefined ? edits : withoutTry(edits),
    lines,
    scheme: service.scheme,
    isUpgrade: parts.isUpgrade,
    rewrite: admission === undefined ? destination?.rewrite : admission.rewrite(destination?.rewrite),
  };
}
