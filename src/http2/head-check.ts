/**
 * Judges a header list while it is decoded (RFC 9113, section 8): told of each field that the rules care about, it
 * answers at the end whether the list is a request, a response or trailers. The same verdicts as field-rules.ts.
 */
import { hostProblem } from "./field-rules.ts";
import { fieldKinds, kindMask, malformedValue } from "./field-tag.ts";
import { contentLengthValue, type RequestPseudo, requestPseudoProblem } from "./pseudo-rules.ts";

export class HeadCheck implements RequestPseudo {
  method: string | undefined = undefined;
  scheme: string | undefined = undefined;
  path: string | undefined = undefined;
  authority: string | undefined = undefined;
  protocol: string | undefined = undefined;
  /** The number; undefined: there is none; "invalid": it is none, or there are several that differ. */
  contentLength: number | undefined | "invalid" = undefined;
  /** A field that is no pseudo-header was seen: no pseudo-header may follow. */
  hasRegular = false;
  #status: string | undefined = undefined;
  #host: string | undefined = undefined;
  #fault: string | undefined = undefined;

  /** Before each list. */
  reset(): void {
    this.method = undefined;
    this.scheme = undefined;
    this.path = undefined;
    this.authority = undefined;
    this.protocol = undefined;
    this.contentLength = undefined;
    this.hasRegular = false;
    this.#status = undefined;
    this.#host = undefined;
    this.#fault = undefined;
  }

  /** A field whose tag is not 0; of all others only `hasRegular` is told. */
  add(tag: number, name: string, value: string): void {
    if ((tag & malformedValue) !== 0) this.#fault ??= `${printable(name)} has a forbidden character`;
    const kind = tag & kindMask;
    if (kind >= fieldKinds.method && kind <= fieldKinds.unknownPseudo) this.#addPseudo(kind, name, value);
    else this.#addRegular(kind, name, value);
  }

  requestProblem(acceptsExtendedConnect: boolean): string | undefined {
    if (this.#fault !== undefined) return this.#fault;
    if (this.#status !== undefined) return "a request with :status";
    return (
      requestPseudoProblem(this, acceptsExtendedConnect) ??
      (this.#host === undefined ? undefined : hostProblem(this.#host, this.authority))
    );
  }

  /** The status, or what is wrong. */
  response(): number | string {
    if (this.#fault !== undefined) return this.#fault;
    const status = this.#status;
    if (status === undefined || this.#hasRequestPseudo()) return ":status is missing or not alone";
    const code = contentLengthValue(status) ?? 0;
    return status.length === 3 && code >= 100 && code <= 599 ? code : ":status is malformed";
  }

  trailersProblem(): string | undefined {
    if (this.#fault !== undefined) return this.#fault;
    return this.#status !== undefined || this.#hasRequestPseudo()
      ? "trailers with a pseudo-header"
      : undefined;
  }

  #hasRequestPseudo(): boolean {
    return (
      this.method !== undefined ||
      this.scheme !== undefined ||
      this.path !== undefined ||
      this.authority !== undefined ||
      this.protocol !== undefined
    );
  }

  #addPseudo(kind: number, name: string, value: string): void {
    let previous: string | undefined;
    switch (kind) {
      case fieldKinds.method:
        previous = this.method;
        this.method = value;
        break;
      case fieldKinds.scheme:
        previous = this.scheme;
        this.scheme = value;
        break;
      case fieldKinds.path:
        previous = this.path;
        this.path = value;
        break;
      case fieldKinds.authority:
        previous = this.authority;
        this.authority = value;
        break;
      case fieldKinds.protocol:
        previous = this.protocol;
        this.protocol = value;
        break;
      case fieldKinds.status:
        previous = this.#status;
        this.#status = value;
        break;
      default:
        previous = value;
    }
    if (previous !== undefined || this.hasRegular) {
      this.#fault ??= `pseudo-header ${printable(name)} is unknown, repeated or misplaced`;
    }
  }

  #addRegular(kind: number, name: string, value: string): void {
    this.hasRegular = true;
    switch (kind) {
      case fieldKinds.connection:
        this.#fault ??= `field ${name} is not allowed in HTTP/2`;
        break;
      case fieldKinds.malformedName:
        this.#fault ??= `field name ${printable(name)} is malformed`;
        break;
      case fieldKinds.te:
        if (value !== "trailers" && value.toLowerCase() !== "trailers") this.#fault ??= "te is not trailers";
        break;
      case fieldKinds.host:
        if (this.#host !== undefined) this.#fault ??= "host is repeated";
        this.#host = value;
        break;
      case fieldKinds.contentLength: {
        const length = contentLengthValue(value);
        const isSame = this.contentLength === undefined || this.contentLength === length;
        this.contentLength = length === undefined || !isSame ? "invalid" : length;
        break;
      }
      default:
        break;
    }
  }
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
