/** The client's side of a gRPC-Web exchange: a gRPC response on its way out becomes a gRPC-Web one. */
import {
  type GrpcFailure,
  type GrpcWebForm,
  GrpcWebResponseEncoder,
  trailersOnlyHead,
  webTypeOfGrpc,
} from "../../grpc/index.ts";
import type { HeadEdits } from "../../http1/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import {
  http2ResponseFields,
  Http2Response,
  type HttpResponse,
  type Trailers,
  trailerFields,
} from "../http/index.ts";
import type { ClientStream, OwnAnswer, Refusal } from "./client-stream.ts";

export class GrpcWebClient implements ClientStream {
  readonly #client: ClientStream;
  readonly #form: GrpcWebForm;
  /** Undefined until a gRPC response has started; another one passes as it came. */
  #encoder: GrpcWebResponseEncoder | undefined;
  #isBroken = false;

  constructor(client: ClientStream, form: GrpcWebForm) {
    this.#client = client;
    this.#form = form;
  }

  get remoteAddress(): string {
    return this.#client.remoteAddress;
  }

  pauseRequest(): void {
    this.#client.pauseRequest();
  }

  resumeRequest(): void {
    this.#client.resumeRequest();
  }

  writeInterim(head: HttpResponse): void {
    this.#client.writeInterim(head);
  }

  writeHead(head: HttpResponse, edits: HeadEdits | undefined, isRequestEnded: boolean): string | undefined {
    const webType = webTypeOfGrpc(head.get("content-type") ?? "", this.#form);
    if (webType === undefined) return this.#client.writeHead(head, edits, isRequestEnded);
    const isEnd = head instanceof Http2Response && head.isEnd;
    if (!isEnd) this.#encoder = new GrpcWebResponseEncoder(this.#form);
    const fields = retyped(http2ResponseFields(head, edits), webType);
    return this.#client.writeHead(new Http2Response(fields, isEnd), undefined, isRequestEnded);
  }

  writeSwitch(head: HttpResponse, edits: HeadEdits | undefined): void {
    this.#client.writeSwitch(head, edits);
  }

  enterTunnel(): void {
    this.#client.enterTunnel();
  }

  writeBody(chunk: Uint8Array): boolean {
    if (this.#encoder === undefined) return this.#client.writeBody(chunk);
    const bytes = this.#encoder.push(chunk);
    if (typeof bytes === "string") {
      this.#isBroken = true;
      return true;
    }
    return bytes.length === 0 || this.#client.writeBody(bytes);
  }

  writeEnd(trailers: Trailers | undefined): void {
    if (this.#encoder !== undefined) {
      const frame = this.#encoder.end(trailerFields(trailers) ?? new HeaderFields());
      // A body that is broken off must not look whole.
      if (typeof frame === "string" || this.#isBroken) return this.#client.abort();
      this.#client.writeBody(frame);
    }
    this.#client.writeEnd(undefined);
  }

  writeRefusal(refusal: Refusal): void {
    if (refusal.grpc === undefined) this.#client.writeRefusal(refusal);
    else this.#writeFailure(refusal, refusal.grpc);
  }

  writeAnswer(answer: OwnAnswer): void {
    if (answer.grpc === undefined) this.#client.writeAnswer(answer);
    else this.#writeFailure(answer, answer.grpc);
  }

  onExchangeDone(): void {
    this.#client.onExchangeDone();
  }

  abort(): void {
    this.#client.abort();
  }

  detach(): undefined {
    return undefined;
  }

  #writeFailure(answer: Omit<OwnAnswer, "status">, failure: GrpcFailure): void {
    const webType = webTypeOfGrpc("application/grpc", this.#form) ?? "";
    const fields = retyped(trailersOnlyHead(failure.status, failure.message), webType);
    fields.add("x-request-id", answer.requestId);
    for (const line of answer.lines) fields.add(line.nameLower, line.value);
    this.#client.writeHead(new Http2Response(fields, true), undefined, answer.isRequestEnded);
    this.#client.writeEnd(undefined);
  }
}

/** The length is another too. */
function retyped(fields: HeaderFields, contentType: string): HeaderFields {
  const kept = fields.entries().filter(([name]) => name !== "content-type" && name !== "content-length");
  return HeaderFields.of([...kept, ["content-type", contentType]]);
}
