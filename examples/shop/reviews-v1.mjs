// What readers say. Version 1 shows no stars. Node, plain HTTP.
import { createServer } from "node:http";

const reviews = ["Kept me warm all winter.", "Lost the thread in chapter two."];

const server = createServer((_request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(`${JSON.stringify({ version: "v1", reviews: reviews.map((text) => ({ text })) })}\n`);
});

server.listen(Number(process.env.PORT ?? 9080), process.env.HOST ?? "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
