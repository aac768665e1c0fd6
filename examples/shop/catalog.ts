// The books. Runs on Bun and closes every connection after one answer, as many small servers do.
const books: Record<string, { title: string; author: string; price: string }> = {
  "1": { title: "The Weaver's Handbook", author: "A. Loom", price: "12.50" },
  "2": { title: "Knots and Threads", author: "B. Spindle", price: "9.00" },
};

const server = Bun.serve({
  hostname: process.env.HOST ?? "0.0.0.0",
  port: Number(process.env.PORT ?? 9080),
  fetch(request) {
    const headers = { connection: "close" };
    const id = /^\/books\/(\w+)$/.exec(new URL(request.url).pathname)?.[1];
    const book = id === undefined ? undefined : books[id];
    if (book === undefined) return Response.json({ error: "no such book" }, { status: 404, headers });
    return Response.json(book, { headers });
  },
});

process.on("SIGTERM", async () => {
  await server.stop();
  process.exit(0);
});
