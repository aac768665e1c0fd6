/**
 * The way from HTTP/1.1 to HTTP/2 on a plaintext connection (RFC 7540 section 3.2, which RFC 9113 gave up but clients still
 * use). A request that does not ask for it exactly right is just answered in HTTP/1.1.
 */
import type { RequestHead } from "../../http1/index.ts";
import { decodeUpgradeSettings } from "../../http2/index.ts";
import type { Connection } from "../../net/index.ts";
import { http2RequestFields, isBodiless } from "../http/index.ts";
import type { ConnectionSet } from "./connection-set.ts";
import type { ServeContext } from "./context.ts";
import { Http2Downstream } from "./http2-downstream.ts";
import type { HttpService } from "./http-service.ts";

const switching = Buffer.from(
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
);

export function asksForHttp2(request: RequestHead): boolean {
  return (
    request.asksForH2c &&
    isBodiless(request) &&
    request.method !== "CONNECT" &&
    settingsOf(request) !== undefined
  );
}

export interface Http2UpgradeParts {
  readonly context: ServeContext;
  readonly service: HttpService;
  readonly members: ConnectionSet;
  /** `asksForHttp2` holds. */
  readonly request: RequestHead;
  /** What was read behind the request. */
  readonly alreadyRead: Uint8Array;
}

/** Answers 101; the response to the request itself comes over HTTP/2, as stream 1. */
export function upgradeToHttp2(connection: Connection, parts: Http2UpgradeParts): void {
  const settings = settingsOf(parts.request) ?? new Uint8Array(0);
  const request = http2RequestFields(parts.request, {
    edits: undefined,
    lines: [],
    scheme: parts.service.scheme,
    protocol: undefined,
  });
  connection.write(switching);
  new Http2Downstream(connection, parts.context, parts.service, {
    members: parts.members,
    upgraded: { settings, request },
  }).start(parts.alreadyRead);
}

/** HTTP2-Settings must be there once, and Connection must name it. */
function settingsOf(request: RequestHead): Uint8Array | undefined {
  let found: string | undefined;
  for (let i = 0; i < request.headerCount; i++) {
    if (request.nameAt(i) !== "http2-settings") continue;
    if (found !== undefined) return undefined;
    found = request.valueAt(i);
  }
  const options = (request.get("connection") ?? "").toLowerCase().split(",");
  if (!options.some((option) => option.trim() === "http2-settings")) return undefined;
  return found === undefined ? undefined : decodeUpgradeSettings(found);
}
