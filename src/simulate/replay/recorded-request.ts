/** A tapped exchange as a request that can be asked about, told by the caller's side: its sidecar, or a gateway. */
import type { SimulatedRequest, TapRecordView } from "../../api/index.ts";

/** What a tap hides, and what belongs to a connection or to the proxies' own talk. */
const hidden = "***";
const notTaken: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "content-length",
  "transfer-encoding",
  "x-request-id",
]);
const maxHeaders = 200;

/**
 * `gateways`: "namespace/name" of all Gateways. Undefined: a server's side, whose request the caller's side tells; or one whose
 * caller or destination is not known.
 */
export function recordedRequest(
  record: TapRecordView,
  gateways: readonly string[],
): SimulatedRequest | undefined {
  if (record.direction === "DIRECTION_INBOUND") return undefined;
  const from = callerOf(record, gateways);
  const url = from === undefined ? undefined : urlOf(record, from.gateway !== undefined);
  if (from === undefined || url === undefined) return undefined;
  const protocol = record.protocol === "tcp" ? "tcp" : record.protocol === "gRPC" ? "grpc" : "http";
  const headers = headersOf(record, from.gateway !== undefined);
  const bodyBytes = Number(record.requestBytes ?? "0");
  return {
    from,
    url,
    protocol,
    ...(record.method === undefined ? {} : { method: record.method }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(record.requestId === undefined ? {} : { requestId: record.requestId }),
    ...(bodyBytes > 0 && Number.isSafeInteger(bodyBytes) ? { bodyBytes } : {}),
  };
}

function callerOf(
  { sourceWorkload, proxy, peerAddress }: TapRecordView,
  gateways: readonly string[],
): SimulatedRequest["from"] | undefined {
  const gateway = gatewayOf(proxy ?? "", gateways);
  // A sidecar tells of its own workload alone; whoever tells of others stands before a Gateway.
  if (sourceWorkload !== undefined && (sourceWorkload === proxy || gateway === undefined)) {
    return { workload: sourceWorkload };
  }
  if (gateway === undefined) return undefined;
  const client = addressOf(peerAddress ?? "");
  return client === undefined ? { gateway } : { gateway, client };
}

/** The one of its name, the only one of its namespace, or the only one that there is. */
function gatewayOf(proxy: string, gateways: readonly string[]): string | undefined {
  if (gateways.includes(proxy)) return proxy;
  const namespace = proxy.slice(0, proxy.indexOf("/") + 1);
  const own = gateways.filter((each) => each.startsWith(namespace));
  if (own.length === 1) return own[0];
  return gateways.length === 1 ? gateways[0] : undefined;
}

function addressOf(peer: string): string | undefined {
  return (
    /^(?<v4>[0-9.]+)(?::\d+)?$/.exec(peer)?.groups?.["v4"] ??
    /^\[(?<v6>[0-9a-fA-F:.]+)\]/.exec(peer)?.groups?.["v6"]
  );
}

/** In the mesh the destination decides and the host is a header; at a gateway it is the other way round. */
function urlOf(record: TapRecordView, isAtGateway: boolean): string | undefined {
  const { scheme = "http", authority, path = "/", query, destinationService, destinationPort } = record;
  const target = `${path.startsWith("/") ? path : `/${path}`}${query === undefined ? "" : `?${query}`}`;
  const place = serviceHost(destinationService, destinationPort);
  if (record.protocol === "tcp") return place === undefined ? undefined : `tcp://${place}`;
  if (isAtGateway) return authority === undefined ? undefined : `${scheme}://${authority}${target}`;
  const host = place ?? authority;
  return host === undefined ? undefined : `${scheme}://${host}${target}`;
}

function serviceHost(service: string | undefined, port: number | undefined): string | undefined {
  const [namespace, name] = service?.split("/") ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  return `${name}.${namespace}${port === undefined ? "" : `:${port}`}`;
}

function headersOf(
  { requestHeaders = [], authority }: TapRecordView,
  isAtGateway: boolean,
): [string, string][] {
  const fields = requestHeaders.flatMap(({ name, value = "" }): [string, string][] => {
    const text = Buffer.from(value, "base64").toString("utf8");
    if (name === undefined || name.startsWith(":") || notTaken.has(name) || text === hidden) return [];
    return [[name, text]];
  });
  const host: [string, string][] = isAtGateway || authority === undefined ? [] : [["host", authority]];
  return [...host, ...fields].slice(0, maxHeaders);
}
