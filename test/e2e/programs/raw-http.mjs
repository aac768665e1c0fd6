// Sends bytes as they stand and tells what came back. Reads a JSON list of texts, each sent on a connection of its own to the
// address in the first argument or in WEB_URL; prints a list of { answer, closed }. Bun, plain TCP, no weft in it.
const url = new URL(process.argv[2] ?? process.env.WEB_URL ?? "http://127.0.0.1");
const closeTimeoutMs = 5_000;

function exchange(text) {
  return new Promise((resolve) => {
    let answer = "";
    const finish = (closed) => {
      clearTimeout(timer);
      resolve({ answer, closed });
    };
    const timer = setTimeout(() => finish(false), closeTimeoutMs);
    Bun.connect({
      hostname: url.hostname,
      port: Number(url.port || 80),
      socket: {
        open: (socket) => void socket.write(text),
        data: (_socket, chunk) => void (answer += chunk.toString("latin1")),
        close: () => finish(true),
        error: () => finish(true),
        connectError: () => finish(true),
      },
    }).catch(() => finish(true));
  });
}

const requests = await Bun.stdin.json();
console.log(JSON.stringify(await Promise.all(requests.map(exchange))));
process.exit(0);
