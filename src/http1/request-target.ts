/** The four forms of a request target and their agreement with method and Host: RFC 9112 3.2. */
import { isAuthority } from "./authority.ts";
import { fault } from "./faults.ts";
import { field } from "./known-fields.ts";
import type { RequestHead } from "./request-head.ts";

const slash = 0x2f;
const asterisk = 0x2a;
const questionMark = 0x3f;

/** Sets form, path and host of `head`. Returns 0 or a fault. */
export function readTarget(head: RequestHead): number {
  const hostFault = readHost(head);
  if (hostFault !== 0) return hostFault;
  const first = head.bytes[head.targetStart];
  const isConnect = head.methodEnd - head.methodStart === 7 && head.method === "CONNECT";
  if (isConnect) return readAuthorityForm(head);
  if (first === slash) {
    head.form = "origin";
    setPath(head, head.targetStart);
    return 0;
  }
  if (first === asterisk && head.targetEnd === head.targetStart + 1) {
    head.form = "asterisk";
    return head.method === "OPTIONS" ? 0 : fault.targetForm;
  }
  return readAbsoluteForm(head);
}

function readHost(head: RequestHead): number {
  head.hasHost = (head.kinds & (1 << field.host)) !== 0;
  if (!head.hasHost) return head.versionMinor === 1 ? fault.missingHost : 0;
  let count = 0;
  for (let i = 0; i < head.headerCount; i++) {
    if (head.kindAt(i) !== field.host) continue;
    if (++count > 1) return fault.repeatedHost;
    head.hostStart = head.valueStart(i);
    head.hostEnd = head.valueEnd(i);
  }
  return isAuthority(head.bytes, head.hostStart, head.hostEnd) ? 0 : fault.badHost;
}

/** RFC 9112 3.2.3: host and port, both there. */
function readAuthorityForm(head: RequestHead): number {
  head.form = "authority";
  const { bytes, targetStart, targetEnd } = head;
  if (!isAuthority(bytes, targetStart, targetEnd)) return fault.badTarget;
  if (!/[^:]:\d+$/.test(head.target)) return fault.badTarget;
  if (!head.hasHost) return 0;
  return isSameHost(head.target, head, "") ? 0 : fault.hostMismatch;
}

/** RFC 9112 3.2.2. */
function readAbsoluteForm(head: RequestHead): number {
  const match = /^(https?):\/\/([^/?]*)/i.exec(head.target);
  if (match === null) return fault.targetForm;
  const authorityStart = head.targetStart + (match[1] ?? "").length + 3;
  const authorityEnd = head.targetStart + match[0].length;
  if (authorityStart === authorityEnd || !isAuthority(head.bytes, authorityStart, authorityEnd)) {
    return fault.badTarget;
  }
  head.form = "absolute";
  setPath(head, authorityEnd);
  if (!head.hasHost) {
    head.hostStart = authorityStart;
    head.hostEnd = authorityEnd;
    return 0;
  }
  const defaultPort = (match[1] ?? "").toLowerCase() === "https" ? ":443" : ":80";
  return isSameHost(match[2] ?? "", head, defaultPort) ? 0 : fault.hostMismatch;
}

/**
 * A proxy is to believe the target and to replace Host; others upstream may do the opposite. We let nobody choose:
 * both must say the same, the port left out or not.
 */
function isSameHost(authority: string, head: RequestHead, defaultPort: string): boolean {
  const host = head.authority.toLowerCase();
  const target = authority.toLowerCase();
  if (host === target) return true;
  if (head.form === "authority") return target.slice(0, target.lastIndexOf(":")) === host;
  return host + defaultPort === target || target + defaultPort === host;
}

function setPath(head: RequestHead, from: number): void {
  head.pathStart = from;
  let at = from;
  while (at < head.targetEnd && head.bytes[at] !== questionMark) at++;
  head.pathEnd = at;
}
