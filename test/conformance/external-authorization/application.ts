/** Programs of Node's http on a port of 127.0.0.1: what is called, and services that decide in HTTP. */
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";

interface HttpServer extends Disposable {
  readonly port: number;
}

export async function serveHttp(listener: RequestListener): Promise<HttpServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Keeps the headers of what reached it. */
export async function application(): Promise<HttpServer & { readonly seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = [];
  const server = await serveHttp((request, response) => {
    seen.push(request.headers);
    request.resume();
    response.end("web");
  });
  return Object.assign(server, { seen });
}
