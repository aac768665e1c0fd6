// A server that says its version. Bun, plain HTTP, no weft in it. `?ms=50` answers later, `?status=404` so; /echo gives back
// what it was sent, the answer to /begun never ends.
const version = process.env.VERSION ?? "v0";
const delayMs = Number(process.env.DELAY_MS ?? 0);

const server = Bun.serve({
  hostname: process.env.HOST ?? "0.0.0.0",
  port: Number(process.env.PORT ?? 9080),
  idleTimeout: 255,
  async fetch(request) {
    const url = new URL(request.url);
    const ms = Number(url.searchParams.get("ms") ?? delayMs);
    if (ms > 0) await Bun.sleep(ms);
    const headers = { "x-version": version };
    const status = Number(url.searchParams.get("status") ?? 200);
    if (url.pathname === "/begun")
      return new Response(new ReadableStream({ start: (stream) => stream.enqueue("begun\n") }), { headers });
    if (url.pathname !== "/echo") return new Response(`${version}\n`, { status, headers });
    headers["x-echo"] = request.headers.get("x-marker") ?? "";
    return new Response(await request.text(), { status, headers });
  },
});

process.on("SIGTERM", async () => {
  await server.stop();
  process.exit(0);
});
