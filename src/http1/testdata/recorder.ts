/** Runs a parser over bytes cut anywhere and writes down what the sink was told, one line for each message. */
import { RequestParser } from "../request-parser.ts";
import { ResponseParser } from "../response-parser.ts";
import type { Http1Limits } from "../limits.ts";
import type { Vector } from "./vector.ts";

/** Collects one line for each message. */
class Lines {
  readonly lines: string[] = [];
  #open: string | undefined;
  #body = "";
  #trailers = "";

  head(text: string): void {
    this.#open = text;
    this.#body = "";
    this.#trailers = "";
  }

  body(data: Uint8Array): void {
    this.#body += Buffer.from(data).toString("latin1");
  }

  trailers(data: Uint8Array): void {
    this.#trailers += Buffer.from(data).toString("latin1");
  }

  end(mark = ""): void {
    if (this.#open === undefined) return;
    const content = this.#body === "" ? "" : ` ${JSON.stringify(this.#body)}`;
    const trailers = this.#trailers === "" ? "" : ` trailers ${JSON.stringify(this.#trailers)}`;
    this.lines.push(`${this.#open}${content}${trailers}${mark}`);
    this.#open = undefined;
  }

  error(reason: string, detail: string): void {
    this.end(" ?");
    this.lines.push(`! ${reason}: ${detail}`);
  }
}

/** Pieces are pushed one after another; what a parser leaves is pushed again in front of the next piece. */
function pushAll(pieces: readonly Uint8Array[], push: (chunk: Uint8Array) => number): Uint8Array {
  let rest: Uint8Array = new Uint8Array(0);
  for (const piece of pieces) {
    const chunk = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    rest = chunk.subarray(push(chunk));
  }
  return rest;
}

export function recordRequests(pieces: readonly Uint8Array[], fin = false, limits?: Http1Limits): string[] {
  const lines = new Lines();
  const parser: RequestParser = new RequestParser(
    {
      onHead(head) {
        const keep = head.keepAlive ? "keep" : "close";
        const extras = `${head.expectContinue ? " expect" : ""}${head.upgrade === undefined ? "" : ` upgrade=${head.upgrade}`}`;
        lines.head(`${head.method} ${head.target} ${head.body} ${keep}${extras}`);
      },
      onBody: (data) => lines.body(data),
      onTrailers: (data) => lines.trailers(data),
      onMessageEnd() {
        lines.end();
        parser.next();
      },
      onError: (reason, detail) => lines.error(reason, detail),
    },
    limits,
  );
  pushAll(pieces, (chunk) => parser.push(chunk));
  if (fin) parser.end();
  lines.end(" ?");
  return lines.lines;
}

export function recordResponses(
  pieces: readonly Uint8Array[],
  options: Pick<Vector, "methods" | "upgrade" | "fin"> = {},
  limits?: Http1Limits,
): string[] {
  const lines = new Lines();
  const methods = [...(options.methods ?? ["GET"])];
  const expectNext = (): void => {
    const method = methods.shift();
    if (method !== undefined) parser.expect(method, options.upgrade ?? false);
  };
  const parser: ResponseParser = new ResponseParser(
    {
      onInterim: (head) => lines.lines.push(`interim ${head.status}`),
      onHead(head) {
        lines.head(`${head.status} ${head.body} ${head.keepAlive ? "keep" : "close"}`);
      },
      onBody: (data) => lines.body(data),
      onTrailers: (data) => lines.trailers(data),
      onMessageEnd() {
        lines.end();
        expectNext();
      },
      onError: (reason, detail) => lines.error(reason, detail),
    },
    limits,
  );
  expectNext();
  const rest = pushAll(pieces, (chunk) => parser.push(chunk));
  if (options.fin === true) parser.end();
  lines.end(" ?");
  if (rest.length > 0) lines.lines.push(`rest ${JSON.stringify(Buffer.from(rest).toString("latin1"))}`);
  return lines.lines;
}
