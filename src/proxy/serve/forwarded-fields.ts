/**
 * What a gateway tells backends of where a request came from: `x-forwarded-for`, `-proto`, `-host`. What clients say about that
 * is made up, unless so many proxies of the operator's own stand in front (`MeshConfig.spec.security.trustedHops`).
 */
import { type HeaderLine, RequestHead } from "../../http1/index.ts";
import { canonicalIp } from "../../kernel/index.ts";
import type { HttpRequest } from "../http/index.ts";
import { latin1Line, removal } from "./exchange-heads.ts";

const protoLines = {
  http: latin1Line("x-forwarded-proto", "http"),
  https: latin1Line("x-forwarded-proto", "https"),
};
const withoutFor = removal("x-forwarded-for");
const withoutHost = removal("x-forwarded-host");
const certificate = "x-forwarded-client-cert";

/** Of one connection. */
export class ForwardedFields {
  readonly #address: string;
  readonly #proto: HeaderLine;
  readonly #for: HeaderLine;
  /** Of the newest request: most requests of a connection are for one host. */
  #host: HeaderLine = withoutHost;

  /** `address`: the connection's peer; empty where it has none (Unix sockets). */
  constructor(address: string, scheme: "http" | "https") {
    this.#address = address;
    this.#proto = protoLines[scheme];
    this.#for = address === "" ? withoutFor : latin1Line("x-forwarded-for", address);
  }

  addLines(head: HttpRequest, trustedHops: number, lines: HeaderLine[]): void {
    if (trustedHops > 0) {
      this.#addBehindTrusted(head, lines);
      return;
    }
    lines.push(this.#for, this.#proto, this.#hostLine(head.authority));
    for (const name of madeUp(head)) lines.push(removal(name));
  }

  /** The client's, as the hop in front of the trusted ones shows it; of a chain that is too short, the connection's peer. */
  remoteAddress(head: HttpRequest, trustedHops: number, peerAddress: string): string {
    if (trustedHops === 0) return peerAddress;
    return fromRight(head.get("x-forwarded-for"), trustedHops) ?? peerAddress;
  }

  #addBehindTrusted(head: HttpRequest, lines: HeaderLine[]): void {
    const before = head.get("x-forwarded-for");
    if (before === undefined) lines.push(this.#for);
    else if (this.#address !== "") lines.push(latin1Line("x-forwarded-for", `${before}, ${this.#address}`));
    if (head.get("x-forwarded-proto") === undefined) lines.push(this.#proto);
    if (head.get("x-forwarded-host") === undefined) lines.push(this.#hostLine(head.authority));
  }

  #hostLine(authority: string): HeaderLine {
    if (authority === "") return withoutHost;
    if (this.#host.value !== authority) this.#host = latin1Line("x-forwarded-host", authority);
    return this.#host;
  }
}

/** The entry that so many proxies have written behind: 1 is the last one. Undefined: there are not so many, or it is no address. */
export function fromRight(chain: string | undefined, place: number): string | undefined {
  const entry = chain?.split(",").at(-place)?.trim();
  return entry === undefined ? undefined : canonicalIp(entry);
}

const none: readonly string[] = [];
const set: ReadonlySet<string> = new Set([
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  certificate,
]);

/** Names under which only proxies speak of a request's origin. */
export function speaksOfOrigin(nameLower: string): boolean {
  return nameLower.startsWith("x-forwarded-") || nameLower === "forwarded" || nameLower === "x-real-ip";
}

/** Those that are set anyway are not. */
function isMadeUp(nameLower: string): boolean {
  return speaksOfOrigin(nameLower) && !set.has(nameLower);
}

function madeUp(head: HttpRequest): readonly string[] {
  if (!(head instanceof RequestHead)) return head.fields.names.filter(isMadeUp);
  let found: string[] | undefined;
  for (let i = 0; i < head.headerCount; i++) {
    if (!isCandidate(head, i)) continue;
    const name = head.nameAt(i);
    if (isMadeUp(name)) (found ??= []).push(name);
  }
  return found ?? none;
}

/** By its first bytes, so that no other name is decoded: "x-f", "x-r", "for". */
function isCandidate(head: RequestHead, index: number): boolean {
  const { bytes } = head;
  const start = head.nameStart(index);
  const first = (bytes[start] ?? 0) | 0x20;
  const third = (bytes[start + 2] ?? 0) | 0x20;
  if (first === 0x78) return third === 0x66 || third === 0x72;
  return first === 0x66 && third === 0x72;
}
