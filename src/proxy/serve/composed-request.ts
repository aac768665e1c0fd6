/** One request as it is sent to an endpoint: the client's head, what the route and filters make of it, what proxies tell each other. */
import type { HeaderLine } from "../../http1/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { UpstreamRequest } from "../upstream/index.ts";
import type { ExchangeAdmission } from "./exchange-admission.ts";
import { latin1Line } from "./exchange-heads.ts";
import { addTryLines, type TryField, withoutTry } from "./hop-fields.ts";
import type { HttpDestination, HttpService } from "./http-service.ts";

export interface ComposedParts {
  readonly head: HttpRequest;
  readonly service: HttpService;
  readonly destination: HttpDestination | undefined;
  readonly admission: ExchangeAdmission | undefined;
  /** The proxy's own; undefined: the request brought one. */
  readonly newRequestId: string | undefined;
  readonly said: TryField | undefined;
  readonly isGrpc: boolean;
  readonly isUpgrade: boolean;
  readonly isTunnelled: boolean;
  /** Undefined: its time has no bound. */
  readonly remainingMs: number | undefined;
  readonly retries: number;
}

export function composeRequest(parts: ComposedParts): UpstreamRequest {
  const { head, service, destination, admission, said, retries, remainingMs } = parts;
  const lines: HeaderLine[] = [];
  if (parts.newRequestId !== undefined) lines.push(latin1Line("x-request-id", parts.newRequestId));
  service.addLines(head, lines);
  admission?.addLines(lines);
  const ofRoute = destination?.requestEdits;
  const edits = admission === undefined ? ofRoute : admission.requestEdits(ofRoute);
  const isPlain = retries === 0 && remainingMs === undefined && said === undefined;
  const says =
    !isPlain &&
    addTryLines(lines, said, {
      isInbound: service.direction === "inbound",
      isTunnelled: parts.isTunnelled,
      isGrpc: parts.isGrpc,
      remainingMs: remainingMs ?? Number.POSITIVE_INFINITY,
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
