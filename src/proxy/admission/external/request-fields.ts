/**
 * The fields of a request as a service that decides about it gets them: every name once, without what is about one
 * connection. What the mesh says of a caller is said by the mesh here too, never by the client.
 */
import { framingNames, RequestHead } from "../../../http1/index.ts";
import type { AdmissionRequest } from "../../../decide/index.ts";
import type { HttpRequest } from "../../http/index.ts";

const clientCertificate = "x-forwarded-client-cert";
const requestId = "x-request-id";

/** All of them, or those that are asked for, as filters before have left them; values one character for each byte. */
export function requestFields(
  head: HttpRequest,
  { http, caller }: AdmissionRequest,
  asked: ReadonlySet<string> | undefined,
): Map<string, string> {
  const fields = new Map<string, string>();
  if (http === undefined) return fields;
  for (const name of asked ?? namesOf(head)) {
    const value = isSent(name) ? http.header(name) : undefined;
    if (value !== undefined) fields.set(name, value);
  }
  const isAsked = (name: string): boolean => asked === undefined || asked.has(name);
  if (caller.identity !== "" && isAsked(clientCertificate)) {
    fields.set(clientCertificate, `URI=${caller.identity}`);
  }
  if (isAsked(requestId)) fields.set(requestId, http.requestId);
  return fields;
}

function isSent(name: string): boolean {
  if (name === "content-length") return true;
  return (
    name !== requestId &&
    name !== clientCertificate &&
    name !== "host" &&
    !name.startsWith("weft-") &&
    !framingNames.has(name)
  );
}

function namesOf(head: HttpRequest): Set<string> {
  const names = new Set<string>();
  if (head instanceof RequestHead) {
    for (let i = 0; i < head.headerCount; i++) if (!head.isHopField(i)) names.add(head.nameAt(i));
  } else {
    for (let i = head.firstField; i < head.fields.count; i++) names.add(head.fields.nameAt(i));
  }
  return names;
}

/** Of the body as the client announces it; -1: it does not. */
export function announcedSize(head: HttpRequest): number {
  if (head instanceof RequestHead) {
    if (head.body === "none") return 0;
    return head.body === "length" ? head.contentLength : -1;
  }
  if (head.isEnd) return 0;
  const said = head.fields.get("content-length");
  return said === undefined ? -1 : Number(said);
}

/** Path and query as the client sent them, whichever form the target has. Empty: CONNECT to an authority. */
export function pathAndQuery(head: HttpRequest): string {
  if (!(head instanceof RequestHead) || head.form === "origin") return head.target;
  return head.hasQuery ? `${head.path}?${head.query}` : head.path;
}
