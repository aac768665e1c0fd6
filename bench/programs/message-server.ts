/** Sends each message back. */
import { implementBidi, serveGrpc } from "../../src/grpc/index.ts";
import { silentLog } from "../../src/kernel/index.ts";
import { echoStream } from "./message-service.ts";
import { settings } from "./settings.ts";

const echo = implementBidi(echoStream, (stream) => {
  stream.onMessage((message) => void stream.send(message));
  stream.onEnd(() => stream.close());
});
serveGrpc({
  listen: { hostname: "127.0.0.1", port: settings()("port") },
  services: [[echo]],
  log: silentLog,
});
