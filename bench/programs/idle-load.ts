/**
 * Opens many connections, has one request answered on each, and then holds them in silence until its standard input ends.
 * Prints a report once all are open, and another at the end with the connections that were lost in between as errors.
 */
import { smallBody } from "../upstreams/answer.ts";
import { printReport } from "./print-report.ts";
import { settings } from "./settings.ts";

/** So few at a time that no accept queue overflows, and the upstream sees few at once. */
const concurrency = 16;

const setting = settings();
const wanted = setting("connections");
const request = "GET / HTTP/1.1\r\nHost: bench.test\r\n\r\n";
let started = 0;
let open = 0;
let errors = 0;

function openOne(): Promise<void> {
  return new Promise((resolve) => {
    let text = "";
    Bun.connect({
      hostname: "127.0.0.1",
      port: setting("port"),
      socket: {
        open: (socket) => void socket.write(request),
        data(_, chunk) {
          text += chunk.toString("latin1");
          if (!text.endsWith(smallBody)) return;
          open++;
          resolve();
        },
        close() {
          errors++;
          resolve();
        },
      },
    }).catch(() => {
      errors++;
      resolve();
    });
  });
}

async function opener(): Promise<void> {
  while (started < wanted) {
    started++;
    await openOne();
  }
}

const startMs = performance.now();
await Promise.all(Array.from({ length: concurrency }, opener));
printReport({ work: open, seconds: (performance.now() - startMs) / 1000, errors });
await Bun.stdin.text();
printReport({ work: open, seconds: (performance.now() - startMs) / 1000, errors });
process.exit(0);
