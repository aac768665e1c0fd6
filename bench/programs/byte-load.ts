/** Reads for a while on some connections and counts; each chunk's ends must carry the bytes that belong there. */
import { byteAt } from "./byte-pattern.ts";
import { printReport } from "./print-report.ts";
import { settings } from "./settings.ts";

interface Receiver {
  offset: number;
}

const setting = settings();
let received = 0;
let errors = 0;
let isOver = false;

function count(socket: Bun.Socket<Receiver>, chunk: Uint8Array): void {
  const { offset } = socket.data;
  const end = offset + chunk.length;
  if (chunk[0] !== byteAt(offset) || chunk[chunk.length - 1] !== byteAt(end - 1)) errors++;
  socket.data.offset = end;
  received += chunk.length;
}

const sockets = await Promise.all(
  Array.from({ length: setting("connections") }, () =>
    Bun.connect<Receiver>({
      hostname: "127.0.0.1",
      port: setting("port"),
      data: { offset: 0 },
      socket: {
        data: count,
        close() {
          if (!isOver) errors++;
        },
      },
    }),
  ),
);
const startMs = performance.now();
await Bun.sleep(setting("seconds") * 1000);
isOver = true;
const seconds = (performance.now() - startMs) / 1000;
if (received === 0) errors++;
for (const socket of sockets) socket.terminate();
printReport({ work: received / 1e6, seconds, errors });
process.exit(0);
