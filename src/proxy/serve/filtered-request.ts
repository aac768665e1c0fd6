/** What the filters of a rule make of one request: an answer of the proxy's own, or another target, host, copies, edits. */
import {
  crossOriginHeaders,
  type HttpRequestView,
  isMirrored,
  mirrorDraw,
  type PreparedMirror,
  type PreparedRule,
  type RequestChanges,
  rewriteTarget,
  type RuleAnswers,
} from "../../decide/index.ts";
import type { HeaderLine } from "../../http1/index.ts";
import { type HttpRequest, isPlainConnect, type RequestRewrite, upgradeOf } from "../http/index.ts";
import type { UpstreamCluster } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import type { HttpAnswer, HttpDestination, HttpRefusal } from "./http-service.ts";

/** What a location is made from where a redirect does not say: facts of the connection. */
export interface ClientSide {
  readonly scheme: "http" | "https";
  /** Of the listener, or of the service that was dialled. */
  readonly port: number;
}

/** Undefined: a backend answers. */
export function answerOf(
  rule: PreparedRule,
  answers: RuleAnswers,
  view: HeadView,
  client: ClientSide,
): HttpAnswer | HttpRefusal | undefined {
  const { scheme, port } = client;
  const answer = answers.answer(view, { scheme, port, authority: view.head.authority });
  if (answer === undefined) return undefined;
  const { route, section, admission, telemetry } = rule;
  return answer === "no_location"
    ? {
        reason: "malformed_request",
        detail: "its host or path makes no location",
        route,
        rule: section,
        admission,
        telemetry,
      }
    : {
        status: answer.status,
        lines: answer.headers,
        route,
        rule: section,
        admission,
        telemetry,
        isPreflight: answer.isPreflight === true,
      };
}

export function applyChanges(
  context: ServeContext,
  destination: HttpDestination,
  changes: RequestChanges,
  { view, requestId }: { readonly view: HeadView; readonly requestId: string },
): HttpDestination {
  return {
    ...destination,
    rewrite: rewriteOf(changes, view),
    mirrors: changes.mirrors && drawMirrors(context, changes.mirrors, view.head, requestId),
    responseEdits: changes.cors === undefined ? destination.responseEdits : changes.cors.of(view),
    ownLines: ownLinesOf(changes, view),
  };
}

/** A script hears of a refusal only where it may read the answer at all. */
export function ownLinesOf({ cors }: RequestChanges, view: HeadView): readonly HeaderLine[] | undefined {
  return cors === undefined ? undefined : crossOriginHeaders(cors.policy, view);
}

/** CONNECT without a protocol names its tunnel's end and no resource: there is nothing to rewrite. */
function rewriteOf({ rewrite }: RequestChanges, view: HeadView): RequestRewrite | undefined {
  if (rewrite === undefined || isPlainConnect(view.head)) return undefined;
  return { target: rewriteTarget(rewrite, view), authority: rewrite.hostname };
}

/** A tunnel is not copied: what comes in it depends on what its other end says. */
function drawMirrors(
  context: ServeContext,
  mirrors: readonly PreparedMirror[],
  head: HttpRequest,
  requestId: string,
): readonly UpstreamCluster[] | undefined {
  if (isPlainConnect(head) || upgradeOf(head) !== undefined) return undefined;
  const drawn: UpstreamCluster[] = [];
  for (const mirror of mirrors) {
    if (!isMirrored(mirror, mirrorDraw(mirror, requestId))) continue;
    const cluster = context.upstreams.cluster(mirror.cluster);
    if (cluster !== undefined) drawn.push(cluster);
  }
  return drawn.length === 0 ? undefined : drawn;
}

export class HeadView implements HttpRequestView {
  readonly head: HttpRequest;

  constructor(head: HttpRequest) {
    this.head = head;
  }

  get method(): string {
    return this.head.method;
  }

  get path(): string {
    return this.head.path;
  }

  get query(): string {
    return this.head.query;
  }

  header(nameLower: string): string | undefined {
    return this.head.get(nameLower);
  }
}
