/**
 * A gRPC-Web request at a gateway: to the rest of the proxy it is a gRPC call, to its client (a browser, over either version
 * of HTTP) an ordinary request whose body ends with the trailers.
 */
import {
  grpcTypeOfWeb,
  GrpcWebRequestDecoder,
  grpcWebResponseForm,
  type GrpcWebType,
  parseGrpcWebType,
} from "../../grpc/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import { Http2Request, http2RequestFields, type HttpRequest, type Trailers } from "../http/index.ts";
import type { ClientStream } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import { Exchange } from "./exchange.ts";
import { latin1Line } from "./exchange-heads.ts";
import type { ExchangeInput } from "./exchange-input.ts";
import { GrpcWebClient } from "./grpc-web-client.ts";
import type { HttpService } from "./http-service.ts";

/** Undefined: it is something else. */
export function grpcWebTypeOf(head: HttpRequest): GrpcWebType | undefined {
  return head.method === "POST" ? parseGrpcWebType(head.get("content-type") ?? "") : undefined;
}

export class GrpcWebExchange implements ExchangeInput {
  readonly #decoder: GrpcWebRequestDecoder;
  readonly #exchange: Exchange;

  constructor(
    context: ServeContext,
    service: HttpService,
    request: { readonly client: ClientStream; readonly head: HttpRequest; readonly type: GrpcWebType },
  ) {
    const { client, head, type } = request;
    this.#decoder = new GrpcWebRequestDecoder(type.form);
    const form = grpcWebResponseForm(type, head.get("accept"));
    this.#exchange = new Exchange(
      context,
      service,
      new GrpcWebClient(client, form),
      grpcRequestOf(head, type, service.scheme),
    );
  }

  start(): void {
    this.#exchange.start();
  }

  onRequestBody(chunk: Uint8Array): void {
    const bytes = this.#decoder.push(chunk);
    if (typeof bytes === "string") this.#exchange.failRequest("malformed_request", `gRPC-Web body: ${bytes}`);
    else if (bytes.length > 0) this.#exchange.onRequestBody(bytes);
  }

  onRequestEnd(_trailers: Trailers | undefined): void {
    const fault = this.#decoder.end();
    if (fault === undefined) this.#exchange.onRequestEnd(undefined);
    else this.#exchange.failRequest("malformed_request", `gRPC-Web body: ${fault}`);
  }

  onClientDrain(): void {
    this.#exchange.onClientDrain();
  }

  sweep(nowMs: number): void {
    this.#exchange.sweep(nowMs);
  }

  cancel(reason: ReasonCode, detail: string): void {
    this.#exchange.cancel(reason, detail);
  }

  failRequest(reason: ReasonCode, detail: string): void {
    this.#exchange.failRequest(reason, detail);
  }
}

/** The same request as gRPC: its length is another, its trailers are wanted. */
function grpcRequestOf(head: HttpRequest, type: GrpcWebType, scheme: "http" | "https"): Http2Request {
  const translated = http2RequestFields(head, {
    edits: undefined,
    lines: [latin1Line("content-type", grpcTypeOfWeb(type)), latin1Line("te", "trailers")],
    scheme,
    protocol: undefined,
  });
  return new Http2Request(without(translated, "content-length"), false);
}

function without(fields: HeaderFields, name: string): HeaderFields {
  return HeaderFields.of(fields.entries().filter(([each]) => each !== name));
}
