// Opens a TLS connection with the certificate in CERT and KEY (files; without them with none), says a few bytes, and tells what
// became of it: { handshake, answer, closed }. Trusts every server. Bun, no weft in it.
import { readFileSync } from "node:fs";

const [hostname = "127.0.0.1", port = "15008"] = process.argv.slice(2);
const { CERT, KEY } = process.env;
const closeTimeoutMs = 5_000;
const result = { handshake: false, answer: "", closed: false };

function finish() {
  console.log(JSON.stringify(result));
  process.exit(0);
}

function closed() {
  result.closed = true;
  finish();
}

setTimeout(finish, closeTimeoutMs);
Bun.connect({
  hostname,
  port: Number(port),
  tls: {
    rejectUnauthorized: false,
    serverName: "peer.weft.internal",
    // The wire format: one name with its length before it.
    ALPNProtocols: Buffer.from("\x06weft/1", "latin1"),
    ...(CERT === undefined ? {} : { cert: readFileSync(CERT, "utf8"), key: readFileSync(KEY, "utf8") }),
  },
  socket: {
    handshake: (socket) => {
      result.handshake = true;
      socket.write("GET / HTTP/1.1\r\nhost: web\r\n\r\n");
    },
    data: (_socket, chunk) => void (result.answer += chunk.toString("latin1")),
    close: closed,
    error: closed,
    connectError: closed,
  },
}).catch(closed);
