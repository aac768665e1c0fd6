/**
 * What a client calls the host that it speaks to, read from the first bytes that pass on their way: the server name of TLS,
 * or the Host field of HTTP/1.1. For the log only; whatever it finds or does not find, the bytes go on as they are.
 */
import { ClientHelloReader } from "../../net/index.ts";
import { requestedHost } from "./requested-host.ts";

/** A hello of TLS may be longer than a first segment; a Host field stands early. */
const maxBytes = 16_384;
const tlsHandshake = 0x16;

export class NameSniffer {
  /** Empty: none was said, as far as could be read. */
  name = "";
  #isDone = false;
  #read: Uint8Array = new Uint8Array(0);
  readonly #hello = new ClientHelloReader();

  /** Of the client's bytes, in order. */
  onData(chunk: Uint8Array): void {
    if (this.#isDone) return;
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]);
    // A hello, or a head, must come to its end soon.
    const isOver = this.#read[0] === tlsHandshake ? this.#readHello() : this.#readHead();
    if (isOver || this.#read.length > maxBytes) this.#end();
  }

  #readHello(): boolean {
    const hello = this.#hello.read(this.#read);
    if (hello?.kind === "hello") this.name = hello.serverName ?? "";
    return hello !== undefined;
  }

  #readHead(): boolean {
    const host = requestedHost(this.#read);
    if (typeof host !== "string") this.name = host.name;
    return host !== "more";
  }

  #end(): void {
    this.#isDone = true;
    this.#read = new Uint8Array(0);
  }
}
