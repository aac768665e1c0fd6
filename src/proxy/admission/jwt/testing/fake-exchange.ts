/** A request at a door, parsed as it came, and what would reach the application. */
import type { AdmissionRequest, Claims, HttpFacts } from "../../../../decide/index.ts";
import { type HeaderLine, type RequestHead, RequestParser } from "../../../../http1/index.ts";
import { HeaderFields } from "../../../../http2/index.ts";
import { Http2Request, type HttpRequest } from "../../../http/index.ts";
import type { FilteredExchange, FilterRefusal, FilterStep, PolicyDeed, RequestFilter } from "../../filter.ts";

export type Field = readonly [name: string, value: string];

export interface RequestSketch {
  readonly target?: string;
  readonly fields?: readonly Field[];
  readonly version?: 1 | 2;
  readonly nowMs?: number;
}

export class FakeExchange implements FilteredExchange {
  readonly request: AdmissionRequest;
  readonly head: HttpRequest | undefined;
  claims: Claims | undefined;
  readonly deeds: PolicyDeed[] = [];
  readonly answerLines: HeaderLine[] = [];
  readonly #set = new Map<string, string>();
  readonly #removed = new Set<string>();
  #query: string;

  /** Undefined: raw TCP. */
  constructor(sketch: RequestSketch | undefined) {
    this.head =
      sketch === undefined ? undefined : sketch.version === 2 ? http2Head(sketch) : http1Head(sketch);
    this.#query = this.head?.query ?? "";
    this.request = {
      caller: {
        identity: "",
        address: "127.0.0.1",
        addressPort: 1,
        isTls: false,
        serverName: "",
        port: 80,
        service: "",
        destination: "default/web",
      },
      remoteAddress: "127.0.0.1",
      http: this.head && factsOf(this.head),
      claims: undefined,
      nowMs: sketch?.nowMs ?? startMs,
    };
  }

  setRequestHeader(nameLower: string, value: string): void {
    this.#set.set(nameLower, value);
  }

  setRequestLine({ nameLower, value, bytes }: HeaderLine): void {
    if (bytes.length === 0) this.#removed.add(nameLower);
    else this.#set.set(nameLower, value);
  }

  addRequestHeader(): void {
    throw new Error("tokens add nothing to what clients said");
  }

  removeRequestHeader(nameLower: string): void {
    this.#removed.add(nameLower);
  }

  setRequestQuery(query: string): void {
    this.#query = query;
  }

  addAnswerLine(line: HeaderLine): void {
    this.answerLines.push(line);
  }

  setAnswerHeader(): void {
    throw new Error("tokens say nothing to clients");
  }

  readBody(): void {
    throw new Error("tokens do not stand in bodies");
  }

  note(deed: PolicyDeed): void {
    this.deeds.push(deed);
  }

  /** Without Host and pseudo-header fields. */
  get forwarded(): { readonly query: string; readonly fields: readonly Field[] } {
    const kept = fieldsOf(this.head).filter(([name]) => !this.#removed.has(name) && !this.#set.has(name));
    return { query: this.#query, fields: [...kept, ...this.#set] };
  }

  field(nameLower: string): string | undefined {
    return this.forwarded.fields.find(([name]) => name === nameLower)?.[1];
  }
}

export const startMs = 1_700_000_000_000;

/** What becomes of it in the end. */
export async function ask(
  filter: RequestFilter,
  exchange: FakeExchange,
): Promise<"continue" | FilterRefusal> {
  const later = Promise.withResolvers<"continue" | FilterRefusal>();
  const step: FilterStep = filter.start(exchange, { resume: later.resolve });
  return step === "suspended" ? await later.promise : step;
}

function http1Head({ target = "/", fields = [] }: RequestSketch): RequestHead {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const heads: RequestHead[] = [];
  const parser = new RequestParser({
    onHead: (head) => void heads.push(head),
    onBody() {},
    onMessageEnd() {},
    onError: (reason, detail) => {
      throw new Error(`${reason}: ${detail}`);
    },
  });
  parser.push(Buffer.from(`GET ${target} HTTP/1.1\r\nhost: a\r\n${lines}\r\n`, "latin1"));
  const [head] = heads;
  if (head === undefined) throw new Error("no head");
  return head;
}

function http2Head({ target = "/", fields = [] }: RequestSketch): Http2Request {
  const pseudo: Field[] = [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", target],
    [":authority", "a"],
  ];
  const all = new HeaderFields();
  for (const [name, value] of [...pseudo, ...fields]) all.add(name.toLowerCase(), value);
  return new Http2Request(all, true);
}

function fieldsOf(head: HttpRequest | undefined): Field[] {
  if (head === undefined) return [];
  const all: Field[] =
    head instanceof Http2Request
      ? head.fields.names.map((name, i): Field => [name, head.fields.values[i] ?? ""])
      : Array.from({ length: head.headerCount }, (_, i): Field => [head.nameAt(i), head.valueAt(i)]);
  return all.filter(([name]) => name !== "host" && !name.startsWith(":"));
}

function factsOf(head: HttpRequest): HttpFacts {
  return {
    method: head.method,
    path: head.path,
    query: head.query,
    header: (name) => head.get(name),
    headerValues: (name) => fieldsOf(head).flatMap(([each, value]) => (each === name ? [value] : [])),
    authority: head.authority,
    scheme: "http",
    version: head instanceof Http2Request ? "HTTP/2" : "HTTP/1.1",
    isGrpc: false,
    requestId: "",
  };
}
