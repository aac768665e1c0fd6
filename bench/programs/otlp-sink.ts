/** Takes OTLP over HTTP and keeps nothing of it. */
import { settings } from "./settings.ts";

Bun.serve({
  hostname: "127.0.0.1",
  port: settings()("port"),
  async fetch(request) {
    await request.arrayBuffer();
    return new Response(new Uint8Array(0), { headers: { "content-type": "application/x-protobuf" } });
  },
});
