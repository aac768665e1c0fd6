/** An API server whose taps say what a test says, and a record of one. */
import type { TapEvent, TapRecordView } from "../../api/index.ts";
import { failure } from "./fake-server.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
export const tappedRecord: TapRecordView = {
  direction: "DIRECTION_OUTBOUND",
  proxy: "default/web-1",
  requestId: "r-1",
  startUnixUs: "1767225600123000",
  sourceWorkload: "default/web-1",
  destinationWorkload: "shop/cart-1",
  destinationService: "shop/cart",
  destinationPort: 80,
  mtls: true,
  protocol: "HTTP/1.1",
  method: "POST",
  scheme: "http",
  authority: "cart.shop",
  path: "/items",
  status: 503,
  reason: "no_endpoint",
  requestHeaders: [
    { name: "content-type", value: base64("application/json") },
    { name: "authorization", value: base64("***") },
  ],
  responseHeaders: [{ name: "content-type", value: base64("text/plain") }],
  requestBody: base64('{"a":1}'),
  responseBody: base64("no"),
  requestBytes: "7",
  responseBytes: "2",
  firstByteUs: "9000",
  endUs: "12500",
  tries: [{ address: "10.0.0.2:80", connectedUs: "1000", outcome: "503" }],
};
export interface Tapped extends AsyncDisposable {
  readonly url: string;
  readonly asked: string[];
}

/** A server whose taps say this and end. */
export function tapped(events: readonly TapEvent[], answers: Readonly<Record<string, object>> = {}): Tapped {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const url = new URL(request.url);
      if (url.pathname.endsWith("/tap")) {
        asked.push(decodeURIComponent(url.search.replaceAll("+", " ")));
        return new Response(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
      }
      const answer = answers[url.pathname];
      return answer === undefined
        ? Response.json(failure(404, "NotFound", "not found"), { status: 404 })
        : Response.json(answer);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
