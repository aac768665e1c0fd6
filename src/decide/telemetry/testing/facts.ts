/** For tests: what an exchange was. */
import type { TelemetryFacts, TelemetryHttpFacts } from "../facts.ts";

export function httpFacts(
  http: Partial<TelemetryHttpFacts> & { readonly headers?: Readonly<Record<string, string>> } = {},
): TelemetryHttpFacts {
  const { headers = {}, ...given } = http;
  return {
    method: "GET",
    authority: "Shop.example:8080",
    target: "/carts/7?token=a&page=2",
    scheme: "http",
    status: 200,
    grpcStatus: undefined,
    requestHeader: (name) => headers[name],
    responseHeader: (name) => headers[name],
    ...given,
  };
}

export function facts(given: Partial<TelemetryFacts> = {}): TelemetryFacts {
  return {
    direction: "outbound",
    sourceWorkload: "shop/web-1",
    sourceIdentity: "spiffe://1f2e.weft/ns/shop/sa/web",
    destinationWorkload: "back/cart-1",
    destinationIdentity: "",
    destinationService: "back/cart",
    destinationPort: 80,
    route: "back/to-cart",
    rule: "rules[0]",
    peerAddress: "10.77.0.1:4000",
    isMutualTls: true,
    requestId: "id-1",
    http: httpFacts(),
    reason: "",
    durationUs: 12_999,
    requestBytes: 3,
    responseBytes: 5,
    ...given,
  };
}
