/** An exchange that remembers what a filter does to it, and a request as a client sends it. */
import type { AdmissionRequest, CallerFacts, Claims } from "../../../../decide/index.ts";
import { type HeaderLine, RequestHead, RequestParser } from "../../../../http1/index.ts";
import { HeaderFields } from "../../../../http2/index.ts";
import { Http2Request, type HttpRequest } from "../../../http/index.ts";
import type { BodyStart, FilteredExchange, FilterRefusal, PolicyDeed, RequestFilter } from "../../filter.ts";

const caller: CallerFacts = {
  identity: "spiffe://mesh/ns/shop/sa/web",
  address: "10.77.0.9",
  addressPort: 40_000,
  isTls: true,
  serverName: "shop.example",
  port: 8080,
  service: "shop/cart",
  destination: "shop/cart-1",
};

export interface FakeRequest {
  readonly head: HttpRequest;
  readonly body?: Uint8Array;
  readonly caller?: Partial<CallerFacts>;
  readonly claims?: Claims;
}

export class FakeExchange implements FilteredExchange {
  readonly request: AdmissionRequest;
  readonly head: HttpRequest | undefined;
  claims: Claims | undefined;
  /** `set x-user=ann`, `remove x-role`, in their order. */
  readonly edits: string[] = [];
  readonly answerEdits: string[] = [];
  readonly deeds: PolicyDeed[] = [];
  readonly askedBytes: number[] = [];
  /** Undefined: the client leaves instead. */
  readonly #body: Uint8Array | undefined;

  constructor({ head, body = new Uint8Array(0), caller: said, claims }: FakeRequest) {
    this.head = head;
    this.claims = claims;
    this.#body = body;
    this.request = {
      caller: { ...caller, ...said },
      remoteAddress: "203.0.113.7",
      claims,
      nowMs: 1_700_000_000_250,
      http: {
        method: head.method,
        path: head.path,
        query: head.query,
        header: (name) => head.get(name),
        authority: head.authority,
        scheme: "https",
        version: head instanceof RequestHead ? "HTTP/1.1" : "HTTP/2",
        isGrpc: false,
        requestId: "id-1",
      },
    };
  }

  setRequestHeader(nameLower: string, value: string): void {
    this.edits.push(`set ${nameLower}=${value}`);
  }

  setRequestLine(): void {}

  addRequestHeader(nameLower: string, value: string): void {
    this.edits.push(`add ${nameLower}=${value}`);
  }

  removeRequestHeader(nameLower: string): void {
    this.edits.push(`remove ${nameLower}`);
  }

  setRequestQuery(query: string): void {
    this.edits.push(`query ${query}`);
  }

  addAnswerLine(line: HeaderLine): void {
    this.answerEdits.push(`add ${line.nameLower}=${line.value}`);
  }

  setAnswerHeader(nameLower: string, value: string): void {
    this.answerEdits.push(`set ${nameLower}=${value}`);
  }

  readBody(maxBytes: number, onBody: (body: BodyStart | undefined) => void): void {
    this.askedBytes.push(maxBytes);
    const body = this.#body;
    queueMicrotask(() => {
      onBody(body && { bytes: body.subarray(0, maxBytes), isWhole: body.length < maxBytes });
    });
  }

  note(deed: PolicyDeed): void {
    this.deeds.push(deed);
  }
}

/** What comes of it, whether at once or later. */
export function passThrough(
  filter: RequestFilter,
  exchange: FilteredExchange,
): Promise<"continue" | FilterRefusal> {
  return new Promise((resolve) => {
    const step = filter.start(exchange, { resume: resolve });
    if (step !== "suspended") resolve(step);
  });
}

/** What the client is told: status, names of the fields with their values, text. */
export function toldBy(step: "continue" | FilterRefusal): {
  readonly status: number | undefined;
  readonly lines: readonly string[];
  readonly body: string;
} {
  const answer = step === "continue" ? undefined : step.answer;
  return {
    status: answer?.status,
    lines: (answer?.lines ?? []).map(({ nameLower, value }) => `${nameLower}: ${value}`),
    body: Buffer.from(answer?.body ?? "").toString(),
  };
}

export function http1Head(text: string): RequestHead {
  const heads: RequestHead[] = [];
  const parser = new RequestParser({
    onHead: (head) => void heads.push(head),
    onBody() {},
    onMessageEnd() {},
    onError: (reason, detail) => {
      throw new Error(`${reason}: ${detail}`);
    },
  });
  parser.push(Buffer.from(text, "latin1"));
  const [head] = heads;
  if (head === undefined) throw new Error("no head");
  return head;
}

export function http2Head(fields: Readonly<Record<string, string>>, isEnd = true): Http2Request {
  const list = { ":method": "GET", ":scheme": "https", ":path": "/", ":authority": "shop", ...fields };
  return new Http2Request(HeaderFields.of(Object.entries(list)), isEnd);
}
