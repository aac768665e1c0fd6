/** What a request asks for: its URL taken apart, its head as its maker writes it. */
import type { SimulatedRequest } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { type Field, SimulatedHead } from "./simulated-head.ts";

export type Spoken = "http" | "grpc" | "tcp" | "tls";

export interface Wanted {
  readonly spoken: Spoken;
  /** What the client's connection is, whatever is inside. */
  readonly scheme: "tls" | "plain";
  /** As it stands in the URL: a name in lower case, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** SNI; undefined: the client's connection is not TLS. */
  readonly serverName: string | undefined;
  readonly requestId: string;
  /** Undefined: what is sent is no HTTP, or nobody can read it. */
  readonly head: SimulatedHead | undefined;
}

/** Where neither the request nor whoever asks names one. The same always, so that an answer is. */
const defaultRequestId = "explain";
/** As proxies keep them. */
const maxRequestIdLength = 128;
const ports: Readonly<Record<string, number>> = { http: 80, https: 443, grpc: 80, grpcs: 443 };

/** `isClient`: at a gateway TLS may end, so that what is inside is read. Throws `bad_input`. */
export function parseWanted(request: SimulatedRequest, isClient: boolean): Wanted {
  const { scheme, host, port, path, query, authority } = parseUrl(request.url);
  const isTls = scheme === "https" || scheme === "grpcs" || scheme === "tls";
  const asked = request.protocol ?? spokenBy(scheme);
  const isReadable = asked !== "tcp" && (!isTls || isClient);
  const fields: Field[] = (request.headers ?? []).map(([name = "", value = ""]) => [
    name.toLowerCase(),
    value,
  ]);
  const named = fields.find(([name]) => name === "x-request-id")?.[1];
  const given = request.requestId ?? named;
  const requestId =
    given === undefined || given === "" || given.length > maxRequestIdLength ? defaultRequestId : given;
  const own = fields.find(([name]) => name === "host")?.[1];
  const serverName = isTls && !isAddress(host) ? host : undefined;
  const rest = fields.filter(([name]) => name !== "host" && name !== "x-request-id");
  const hasType = rest.some(([name]) => name === "content-type");
  if (asked === "grpc" && !hasType) rest.push(["content-type", "application/grpc"]);
  const head = new SimulatedHead({
    method: request.method ?? (asked === "grpc" ? "POST" : "GET"),
    path,
    query,
    authority: own ?? authority,
    scheme: isTls ? "https" : "http",
    version: asked === "grpc" ? "HTTP/2" : "HTTP/1.1",
    requestId,
    fields: [...rest, ["x-request-id", requestId]],
  });
  const spoken: Spoken = asked === "tcp" ? (isTls ? "tls" : "tcp") : isReadable ? asked : "tls";
  return {
    spoken,
    scheme: isTls ? "tls" : "plain",
    host,
    port,
    serverName,
    requestId,
    head: isReadable ? head : undefined,
  };
}

function spokenBy(scheme: string): "http" | "grpc" | "tcp" {
  if (scheme === "grpc" || scheme === "grpcs") return "grpc";
  return scheme === "tcp" || scheme === "tls" ? "tcp" : "http";
}

function isAddress(host: string): boolean {
  return host.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

const form =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<authority>(?<host>\[[0-9A-Fa-f:.%]+\]|[^/?#:@\s]+)(?::(?<port>\d{1,5}))?)(?<path>\/[^?#\s]*)?(?:\?(?<query>[^#\s]*))?(?:#\S*)?$/i;
const schemes: ReadonlySet<string> = new Set(["http", "https", "grpc", "grpcs", "tcp", "tls"]);

/** Taken apart as it is written: a parser that tidies the path would hide what a proxy gets. */
function parseUrl(url: string) {
  const groups = form.exec(url)?.groups;
  const scheme = groups?.["scheme"]?.toLowerCase() ?? "";
  if (groups === undefined || !schemes.has(scheme)) {
    throw new WeftError(
      "bad_input",
      `url: ${JSON.stringify(url)} is no URL with one of the schemes ${[...schemes].join(", ")}, as in http://reviews:9080/x`,
    );
  }
  const port = groups["port"] === undefined ? ports[scheme] : Number(groups["port"]);
  if (port === undefined || port < 1 || port > 65_535) {
    throw new WeftError(
      "bad_input",
      `url: ${scheme} needs a port, as in ${scheme}://${groups["host"] ?? "host"}:5432`,
    );
  }
  return {
    scheme,
    port,
    authority: groups["authority"] ?? "",
    host: (groups["host"] ?? "").replace(/^\[|\]$/g, "").toLowerCase(),
    path: groups["path"] ?? "/",
    query: groups["query"] ?? "",
  };
}
