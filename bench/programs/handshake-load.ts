/** A new TLS connection for each request, none resumed: from the first byte of the connection to the last of the answer. */
import { smallBody } from "../upstreams/answer.ts";
import { latencies, printReport } from "./print-report.ts";
import { settings } from "./settings.ts";

const setting = settings();
const request = "GET / HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n";
const deadlineMs = performance.now() + setting("seconds") * 1000;
const durationsMs: number[] = [];
let errors = 0;

/** Resolves with whether the whole answer came. */
function exchange(): Promise<boolean> {
  return new Promise((resolve) => {
    let text = "";
    const finish = (socket: Bun.Socket, isGood: boolean): void => {
      resolve(isGood);
      socket.terminate();
    };
    Bun.connect({
      hostname: "127.0.0.1",
      port: setting("port"),
      // The certificate names a workload, not a host; what it costs to check it here is not the proxy's.
      tls: { rejectUnauthorized: false, serverName: "bench.test" },
      socket: {
        handshake: (socket) => void socket.write(request),
        data(socket, chunk) {
          text += chunk.toString("latin1");
          if (text.endsWith(smallBody)) finish(socket, text.startsWith("HTTP/1.1 200"));
        },
        close: () => resolve(false),
        error: () => resolve(false),
      },
    }).catch(() => resolve(false));
  });
}

async function client(): Promise<void> {
  while (performance.now() < deadlineMs) {
    const startMs = performance.now();
    const isGood = await exchange();
    if (isGood) durationsMs.push(performance.now() - startMs);
    else errors++;
  }
}

const startMs = performance.now();
await Promise.all(Array.from({ length: setting("connections") }, client));
const seconds = (performance.now() - startMs) / 1000;
printReport({ work: durationsMs.length, seconds, errors, ...latencies(durationsMs) });
process.exit(0);
