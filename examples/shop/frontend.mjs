// The shop's page: asks the catalog for the book and reviews for what readers say, at the same time. Node, plain HTTP.
import { createServer } from "node:http";

const catalogUrl = process.env.CATALOG_URL ?? "http://catalog:9080";
const reviewsUrl = process.env.REVIEWS_URL ?? "http://reviews:9080";

async function ask(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.json();
}

const server = createServer(async (request, response) => {
  if (request.url === "/healthz") return void response.end("ok\n");
  try {
    const [book, reviews] = await Promise.all([ask(`${catalogUrl}/books/1`), ask(`${reviewsUrl}/books/1`)]);
    response.setHeader("content-type", "application/json");
    response.end(`${JSON.stringify({ book, reviews }, null, 2)}\n`);
  } catch (error) {
    response.statusCode = 502;
    response.end(`the shop is closed: ${error.message}\n`);
  }
});

server.listen(Number(process.env.PORT ?? 9080), process.env.HOST ?? "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
