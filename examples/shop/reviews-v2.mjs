// What readers say. Version 2 asks ratings for the stars, and does without them when ratings is in trouble. Node, plain HTTP.
import { createServer } from "node:http";

const reviews = ["Kept me warm all winter.", "Lost the thread in chapter two."];
const ratingsUrl = process.env.RATINGS_URL ?? "http://ratings:9080";

async function stars() {
  const response = await fetch(`${ratingsUrl}/ratings/1`, { signal: AbortSignal.timeout(3_000) });
  return response.ok ? (await response.json()).stars : [];
}

const server = createServer(async (_request, response) => {
  const given = await stars().catch(() => []);
  response.setHeader("content-type", "application/json");
  response.end(
    `${JSON.stringify({ version: "v2", reviews: reviews.map((text, i) => ({ text, stars: given[i] })) })}\n`,
  );
});

server.listen(Number(process.env.PORT ?? 9080), process.env.HOST ?? "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
