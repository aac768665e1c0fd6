/** What the explain page asks for: read from its address, so that a question can be linked to, and put to the API. */
import type { Explanation, ExplainRequest } from "../api/documents.ts";
import { fetchJson, meshPath, withQuery } from "../api/fetch-json.ts";
import type { SessionDocument } from "../api/documents.ts";

export interface Question {
  /** Workload or service as "namespace/name", or "gateway/namespace/name" for a client from outside. */
  readonly from: string;
  readonly url: string;
  readonly method: string;
  /** One "name: value" a line. */
  readonly headers: string;
  /** Of a recent request; empty: the rest says what is asked. */
  readonly id: string;
}

export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
const gatewayPrefix = "gateway/";

export function readQuestion(query: URLSearchParams): Question {
  return {
    from: query.get("from") ?? "",
    url: query.get("url") ?? "",
    method: query.get("method") ?? "GET",
    headers: query.get("headers") ?? "",
    id: query.get("id") ?? "",
  };
}

export function questionPath({ id, method, ...asked }: Question): string {
  return withQuery("/explain", id === "" ? { ...asked, method: method === "GET" ? "" : method } : { id });
}

/** Undefined: there is not enough to ask about. */
export function explainRequest({ from, url, method, headers, id }: Question): ExplainRequest | undefined {
  if (id.trim() !== "") return { requestId: id.trim() };
  if (from.trim() === "" || url.trim() === "") return undefined;
  const caller = from.trim();
  return {
    request: {
      from: caller.startsWith(gatewayPrefix)
        ? { gateway: caller.slice(gatewayPrefix.length) }
        : { workload: caller },
      url: url.trim(),
      method,
      headers: readHeaders(headers),
    },
  };
}

function readHeaders(text: string): [string, string][] {
  return text.split("\n").flatMap((line): [string, string][] => {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    return colon < 0 || name === "" ? [] : [[name, line.slice(colon + 1).trim()]];
  });
}

/** Rejects with ApiFailure. Nothing is changed by it, but it is a POST, so the session has to say that it is meant. */
export async function explain(request: ExplainRequest, signal: AbortSignal): Promise<Explanation> {
  const { csrfToken } = await fetchJson<SessionDocument>("/auth/session", { signal });
  return await fetchJson<Explanation>(`${meshPath}/explain`, {
    method: "POST",
    headers: { "content-type": "application/json", "weft-csrf": csrfToken },
    body: JSON.stringify(request),
    signal,
  });
}
