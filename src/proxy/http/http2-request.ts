/** A request as it came over HTTP/2: the checked header list, with what routing and translation ask of it. */
import type { HttpRequestView } from "../../decide/index.ts";
import type { HeaderFields } from "../../http2/index.ts";
import { joinedValue } from "./joined-value.ts";

export class Http2Request implements HttpRequestView {
  readonly fields: HeaderFields;
  /** The head ended the request: it has no body. */
  readonly isEnd: boolean;
  method: string;
  scheme: string;
  /** Path and query as sent; empty for a plain CONNECT. */
  target: string;
  /** `:authority`, else Host; empty where the client named none. */
  authority: string;
  /** Extended CONNECT (RFC 8441): the protocol that is asked for. */
  protocol: string | undefined;
  /** Where the pseudo-header fields end. */
  firstField: number;
  #path: string | undefined;

  /** `fields` has passed the codec's check of requests. */
  constructor(fields: HeaderFields, isEnd: boolean) {
    this.fields = fields;
    this.isEnd = isEnd;
    this.method = "";
    this.scheme = "";
    this.target = "";
    this.authority = "";
    this.protocol = undefined;
    this.firstField = 0;
    this.#path = undefined;
    this.#readPseudo();
  }

  get path(): string {
    if (this.#path !== undefined) return this.#path;
    const end = this.target.indexOf("?");
    const path = end < 0 ? this.target : this.target.slice(0, end);
    this.#path = path;
    return path;
  }

  get query(): string {
    const at = this.target.indexOf("?");
    return at < 0 ? "" : this.target.slice(at + 1);
  }

  get(nameLower: string): string | undefined {
    if (nameLower === "host") return this.authority === "" ? undefined : this.authority;
    return joinedValue(this.fields, nameLower);
  }

  header(nameLower: string): string | undefined {
    return this.get(nameLower);
  }

  #readPseudo(): void {
    const { names, values } = this.fields;
    let i = 0;
    for (; i < names.length; i++) {
      const value = values[i] ?? "";
      switch (names[i] ?? "") {
        case ":method":
          this.method = value;
          continue;
        case ":scheme":
          this.scheme = value;
          continue;
        case ":path":
          this.target = value;
          continue;
        case ":authority":
          this.authority = value;
          continue;
        case ":protocol":
          this.protocol = value;
          continue;
        default:
      }
      break;
    }
    this.firstField = i;
    if (this.authority === "") this.authority = this.fields.get("host") ?? "";
  }
}
