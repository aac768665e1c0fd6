// Servers for docs/guides: `node examples/backends.mjs`. Ports 9001 to 9003 answer with their port and what was asked for, 9004 any
// gRPC call with an empty message. A query says how: ms=500 is slow, status=503 fails, only=9001 is meant for that port alone.
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";

for (const port of [9001, 9002, 9003]) {
  createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "/", "http://localhost");
    const isMeant = (searchParams.get("only") ?? `${port}`) === `${port}`;
    const status = isMeant ? Number(searchParams.get("status") ?? 200) : 200;
    const delayMs = isMeant ? Number(searchParams.get("ms") ?? 0) : 0;
    console.log(port, request.method, request.headers.host, request.url);
    request.resume();
    setTimeout(() => {
      response.writeHead(status, { "content-type": "text/plain" });
      response.end(`${port} ${request.method} ${request.url}\n`);
    }, delayMs);
  }).listen(port, "127.0.0.1");
}

createHttp2Server()
  .on("stream", (stream, headers) => {
    console.log(9004, headers[":path"]);
    stream.resume();
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.alloc(5));
  })
  .listen(9004, "127.0.0.1");
