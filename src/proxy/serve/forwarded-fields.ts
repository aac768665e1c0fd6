/**
 * What a gateway tells backends of where a request came from: `x-forwarded-for`, `-proto`, `-host`. What clients say about that
 * is made up, unless so many proxies of the operator's own stand in front (`MeshConfig.spec.security.trustedHops`).
 */
import { type HeaderLine, RequestHead, TextLine } from "../../http1/index.ts";
import { forwardedBehindTrusted, isMadeUpOrigin, remoteAddressAtGateway } from "../../decide/index.ts";
import type { HttpRequest } from "../http/index.ts";
import { latin1Line, removal } from "./exchange-heads.ts";

const protoLines = {
  http: latin1Line("x-forwarded-proto", "http"),
  https: latin1Line("x-forwarded-proto", "https"),
};
const withoutFor = removal("x-forwarded-for");
const withoutHost = removal("x-forwarded-host");

/** Of one connection. */
export class ForwardedFields {
  readonly #address: string;
  readonly #scheme: "http" | "https";
  readonly #proto: HeaderLine;
  readonly #for: HeaderLine;
  /** Of the newest request: most requests of a connection are for one host. */
  #host: HeaderLine = withoutHost;

  /** `address`: the connection's peer; empty where it has none (Unix sockets). */
  constructor(address: string, scheme: "http" | "https") {
    this.#address = address;
    this.#scheme = scheme;
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
    return remoteAddressAtGateway(
      trustedHops === 0 ? undefined : head.get("x-forwarded-for"),
      trustedHops,
      peerAddress,
    );
  }

  #addBehindTrusted(head: HttpRequest, lines: HeaderLine[]): void {
    const told = {
      for: head.get("x-forwarded-for"),
      proto: head.get("x-forwarded-proto"),
      host: head.get("x-forwarded-host"),
    };
    const own = { address: this.#address, scheme: this.#scheme, authority: head.authority };
    const said = forwardedBehindTrusted(told, own);
    if (said.for === this.#address) lines.push(this.#for);
    else if (said.for !== undefined) lines.push(latin1Line("x-forwarded-for", said.for));
    if (said.proto !== undefined) lines.push(this.#proto);
    if (said.host !== undefined) lines.push(this.#hostLine(said.host));
  }

  #hostLine(authority: string): HeaderLine {
    if (authority === "") return withoutHost;
    if (this.#host.value !== authority) this.#host = new TextLine("x-forwarded-host", authority);
    return this.#host;
  }
}

const none: readonly string[] = [];

function madeUp(head: HttpRequest): readonly string[] {
  if (!(head instanceof RequestHead)) return head.fields.names.filter(isMadeUpOrigin);
  let found: string[] | undefined;
  for (let i = 0; i < head.headerCount; i++) {
    if (!isCandidate(head, i)) continue;
    const name = head.nameAt(i);
    if (isMadeUpOrigin(name)) (found ??= []).push(name);
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
