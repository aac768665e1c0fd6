/**
 * CPU per request of two sidecars with mutual TLS between them, both in this process: `bun bench/pair.ts [seconds]
 * [connections]`. Load comes from `wrk`; the application is another process. Prints one JSON line.
 */
import { TestMesh } from "../src/proxy/testing/test-mesh.ts";

const seconds = Number(process.argv[2] ?? 5);
const connections = Number(process.argv[3] ?? 32);
const warmUpSeconds = 3;

if (process.argv[2] === "application") await serveApplication();
else await measure();

async function measure(): Promise<void> {
  const wrk = Bun.which("wrk");
  if (wrk === null) {
    process.stderr.write("bench/pair: wrk is not installed, nothing measured\n");
    process.exit(1);
  }
  const application = Bun.spawn([process.execPath, import.meta.path, "application"], { stdout: "pipe" });
  const reader = application.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value));
  const mesh = new TestMesh();
  const server = await mesh.server("echo-1", port);
  const client = await mesh.client([server.endpoint]);
  const url = `http://127.0.0.1:${client.port}/`;
  await load(wrk, url, warmUpSeconds);
  const before = process.cpuUsage();
  const result = await load(wrk, url, seconds);
  const used = process.cpuUsage(before);
  process.stdout.write(
    `${JSON.stringify({
      scenario: "http1-mtls-pair",
      connections,
      cpuUsPerRequest: Math.round(((used.user + used.system) / result.requests) * 10) / 10,
      userUsPerRequest: Math.round((used.user / result.requests) * 10) / 10,
      requestsPerSecond: Math.round(result.requests / seconds),
      errors: result.errors,
      rssMb: Math.round(process.memoryUsage.rss() / 1_048_576),
    })}\n`,
  );
  application.kill();
  process.exit(0);
}

async function load(
  wrk: string,
  url: string,
  duration: number,
): Promise<{ requests: number; errors: number }> {
  const run = Bun.spawn([wrk, "-t1", `-c${connections}`, `-d${duration}s`, url], { stdout: "pipe" });
  const text = await new Response(run.stdout).text();
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  const errors =
    Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) +
    (/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text) ?? [])
      .slice(1)
      .reduce((sum, part) => sum + Number(part), 0);
  return { requests, errors };
}

/** A raw socket that answers every head with 36 bytes: as cheap as an application can be. */
async function serveApplication(): Promise<void> {
  const answer = Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 36\r\n\r\n${"x".repeat(36)}`,
  );
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, chunk) {
        let count = 0;
        for (let at = chunk.indexOf("\r\n\r\n"); at >= 0; at = chunk.indexOf("\r\n\r\n", at + 4)) count++;
        for (let i = 0; i < count; i++) socket.write(answer);
      },
    },
  });
  process.stdout.write(`${listener.port}\n`);
  await new Promise(() => {});
}
