/** Random messages that are valid: every method, field, length and chunk within the grammar that both parsers know. */
import type { Random } from "../../../../src/http1/testdata/random.ts";
import type { Kind } from "./compare.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"];
const statuses = [
  "200 OK",
  "201 Created",
  "206 Partial",
  "301 Moved",
  "404 Not Found",
  "418 ",
  "500 Oh",
  "503 \xfc",
];
const nameBytes = "abcXYZ019-_.!#$%&'*+^`|~";
const valueBytes = 'abc XYZ\t019;,="()/\xe4\xff';
const targetBytes = "abcXYZ019/?&=%2f;:@!$'()*+,~._-";

export class ValidMessages {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(kind: Kind): Buffer {
    const start =
      kind === "request"
        ? `${this.#pick(methods)} /${this.#text(targetBytes, 40)} HTTP/1.1\r\nHost: ${this.#pick(["a", "a:80", "[::1]"])}\r\n`
        : `HTTP/1.1 ${this.#pick(statuses)}\r\n`;
    const fields = Array.from({ length: this.#below(20) }, () => this.#field()).join("");
    const body = this.#text("ab\r\n\x00\xff0", 60);
    const framing = this.#below(3);
    if (framing === 0)
      return Buffer.from(`${start}${fields}Content-Length: ${body.length}\r\n\r\n${body}`, "latin1");
    if (framing === 1)
      return Buffer.from(
        `${start}${fields}Transfer-Encoding: chunked\r\n\r\n${this.#chunks(body)}`,
        "latin1",
      );
    return Buffer.from(`${start}${fields}\r\n${kind === "request" ? "" : body}`, "latin1");
  }

  #chunks(body: string): string {
    let chunks = "";
    for (let at = 0; at < body.length; ) {
      const piece = body.slice(at, at + 1 + this.#below(20));
      const size = piece.length.toString(16);
      chunks += `${this.#pick(["", "0", "00"])}${this.#pick([size, size.toUpperCase()])}${this.#pick(["", ";a", ";a=b", ';a="b;c"'])}\r\n${piece}\r\n`;
      at += piece.length;
    }
    return `${chunks}0\r\n${this.#pick(["", "X-Sum: 1\r\n"])}\r\n`;
  }

  #field(): string {
    const value = this.#text(valueBytes, 50).replace(/^[ \t]+|[ \t]+$/g, "");
    return `x${this.#text(nameBytes, 15)}:${this.#pick(["", " ", "\t ", "  "])}${value}${this.#pick(["", "", " "])}\r\n`;
  }

  #text(alphabet: string, longest: number): string {
    return Array.from(
      { length: this.#below(longest + 1) },
      () => alphabet[this.#below(alphabet.length)] ?? "",
    ).join("");
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #pick<T extends string>(list: readonly T[]): T | "" {
    return list[this.#below(list.length)] ?? "";
  }
}
