/** From a request's head to its exchange. */
import type { HttpRequest } from "../http/index.ts";
import type { ClientStream } from "./client-stream.ts";
import type { ServeContext } from "./context.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeInput } from "./exchange-input.ts";
import { GrpcWebExchange, grpcWebTypeOf } from "./grpc-web-exchange.ts";
import type { HttpService } from "./http-service.ts";

export function openExchange(
  context: ServeContext,
  service: HttpService,
  client: ClientStream,
  head: HttpRequest,
): ExchangeInput {
  const type = service.takesGrpcWeb ? grpcWebTypeOf(head) : undefined;
  if (type !== undefined) return new GrpcWebExchange(context, service, { client, head, type });
  return new Exchange(context, service, client, head);
}
