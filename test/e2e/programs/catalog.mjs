// A shop's catalog that can be made slow: while the file of its SLOW_FILE is there each answer takes SLOW_MS. Bun, plain HTTP.
import { existsSync } from "node:fs";

const slowFile = process.env.SLOW_FILE;
const slowMs = Number(process.env.SLOW_MS ?? 150);

const server = Bun.serve({
  hostname: process.env.HOST ?? "0.0.0.0",
  port: Number(process.env.PORT ?? 9080),
  async fetch() {
    if (slowFile !== undefined && existsSync(slowFile)) await Bun.sleep(slowMs);
    return Response.json({ title: "The Weaver's Handbook", author: "A. Loom", price: "12.50" });
  },
});

process.on("SIGTERM", async () => {
  await server.stop();
  process.exit(0);
});
