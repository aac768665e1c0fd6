/** Long streams, on each of which one message is always on its way: an answer sends the next one. */
import { type BidiStream, GrpcClient } from "../../src/grpc/index.ts";
import { smallBody } from "../upstreams/answer.ts";
import { echoStream } from "./message-service.ts";
import { latencies, printReport } from "./print-report.ts";
import { settings } from "./settings.ts";

const setting = settings();
const value = new TextEncoder().encode(smallBody);
const durationsMs: number[] = [];
let errors = 0;
let isOver = false;

interface Open {
  readonly stream: BidiStream<{ value: Uint8Array }, { value: Uint8Array }>;
  readonly send: () => void;
}

function open(client: GrpcClient): Open {
  let sentMs = 0;
  const send = (): void => {
    sentMs = performance.now();
    stream.send({ $typeName: "google.protobuf.BytesValue", value });
  };
  const stream = client.bidi(echoStream, {
    onMessage(message) {
      if (isOver) return;
      if (message.value.length !== value.length) errors++;
      durationsMs.push(performance.now() - sentMs);
      send();
    },
    onClose() {
      if (!isOver) errors++;
    },
  });
  return { stream, send };
}

const clients = Array.from(
  { length: setting("connections") },
  () => new GrpcClient({ address: "127.0.0.1", port: setting("port"), authority: "bench.test" }),
);
const streams = clients.flatMap((client) => Array.from({ length: setting("streams") }, () => open(client)));
const startMs = performance.now();
for (const { send } of streams) send();
await Bun.sleep(setting("seconds") * 1000);
isOver = true;
const seconds = (performance.now() - startMs) / 1000;
if (durationsMs.length === 0) errors++;
for (const client of clients) client.close();
printReport({ work: durationsMs.length, seconds, errors, ...latencies(durationsMs) });
process.exit(0);
