/**
 * Requests at random moments of a given rate, whatever becomes of those before (an open loop): latency counts from the moment
 * at which a request was due. Prints one line of JSON.
 */
import { settings } from "./settings.ts";

const setting = settings();
const perSecond = setting("requestsPerSecond");
const warmUpMs = setting("warmUpSeconds") * 1_000;
const endMs = warmUpMs + setting("seconds") * 1_000;
const request = Buffer.from("GET / HTTP/1.1\r\nhost: bench\r\n\r\n");

interface Pending {
  readonly dueMs: number;
  text: string;
}

const latenciesMs: number[] = [];
const byEndpoint = new Map<string, number>();
let failed = 0;
let lost = 0;
const idle: Bun.Socket<Pending>[] = [];
let open = 0;

function onData(socket: Bun.Socket<Pending>, chunk: Buffer): void {
  socket.data.text += chunk.toString("latin1");
  const headEnd = socket.data.text.indexOf("\r\n\r\n");
  const length = Number(/content-length: (\d+)/i.exec(socket.data.text)?.[1] ?? 0);
  if (headEnd < 0 || socket.data.text.length < headEnd + 4 + length) return;
  const { dueMs, text } = socket.data;
  if (dueMs >= warmUpMs) {
    latenciesMs.push(performance.now() - startMs - dueMs);
    const endpoint = text.slice(headEnd + 4);
    byEndpoint.set(endpoint, (byEndpoint.get(endpoint) ?? 0) + 1);
    if (!text.startsWith("HTTP/1.1 200")) failed++;
  }
  open--;
  idle.push(socket);
}

function send(socket: Bun.Socket<Pending>, dueMs: number): void {
  socket.data = { dueMs, text: "" };
  socket.write(request);
}

async function sendNew(dueMs: number): Promise<void> {
  try {
    const socket = await Bun.connect<Pending>({
      hostname: "127.0.0.1",
      port: setting("port"),
      data: { dueMs, text: "" },
      socket: {
        data: onData,
        close(closed) {
          const place = idle.indexOf(closed);
          if (place >= 0) {
            idle.splice(place, 1);
          } else {
            open--;
            lost++;
          }
        },
      },
    });
    send(socket, dueMs);
  } catch {
    open--;
    lost++;
  }
}

const startMs = performance.now();
for (let dueMs = 0; dueMs < endMs; dueMs -= (Math.log(1 - Math.random()) * 1_000) / perSecond) {
  const waitMs = startMs + dueMs - performance.now();
  if (waitMs > 0) await Bun.sleep(waitMs);
  open++;
  const socket = idle.pop();
  if (socket === undefined) void sendNew(dueMs);
  else send(socket, dueMs);
}
const patienceMs = 2_000;
const givenUpMs = performance.now() + patienceMs;
const isOpen = (): boolean => open > 0;
while (isOpen() && performance.now() < givenUpMs) await Bun.sleep(20);
latenciesMs.sort((a, b) => a - b);
const at = (share: number): number => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0;
const requests = latenciesMs.length;
const subject = byEndpoint.get(`127.0.0.${setting("subject")}`) ?? 0;
console.log(
  JSON.stringify({
    requests,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    failed,
    lost: lost + open,
    share: subject / requests,
  }),
);
process.exit(0);
