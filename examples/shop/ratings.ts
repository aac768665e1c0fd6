// The stars. Runs on Bun; one answer in ten is slow, so that there is something to see.
const slowShare = Number(process.env.SLOW_SHARE ?? 0.1);
const slowMs = Number(process.env.SLOW_MS ?? 250);

const server = Bun.serve({
  hostname: process.env.HOST ?? "0.0.0.0",
  port: Number(process.env.PORT ?? 9080),
  async fetch() {
    if (Math.random() < slowShare) await Bun.sleep(slowMs);
    return Response.json({ stars: [5, 3] });
  },
});

process.on("SIGTERM", async () => {
  await server.stop();
  process.exit(0);
});
