// A server that asks another one and passes its answer on. Bun, plain HTTP, no weft in it.
const webUrl = process.env.WEB_URL ?? "http://web:9080";

const server = Bun.serve({
  hostname: process.env.HOST ?? "0.0.0.0",
  port: Number(process.env.PORT ?? 9080),
  idleTimeout: 255,
  async fetch() {
    try {
      const response = await fetch(webUrl, { signal: AbortSignal.timeout(5_000) });
      return new Response(await response.text(), { status: response.status });
    } catch (error) {
      return new Response(`${error.message}\n`, { status: 502 });
    }
  },
});

process.on("SIGTERM", async () => {
  await server.stop();
  process.exit(0);
});
