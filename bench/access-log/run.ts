/**
 * What a line of the access log costs: `bun bench/access-log/run.ts [rounds]`. Each figure is the median of rounds of 50,000
 * lines in time of the processor, with the gathering into writes that the log does, and no disk.
 */
import { systemClock } from "../../src/kernel/index.ts";
import { AccessLog, AccessLogger } from "../../src/proxy/access-log/index.ts";
import type { HttpOutcome } from "../../src/proxy/observation/index.ts";
import { httpOutcome, requestHead, telemetryOf } from "../../src/proxy/access-log/testing/test-outcome.ts";

const linesPerRound = 50_000;
const envoyFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"';

const head = (path: string) =>
  requestHead(
    `GET ${path} HTTP/1.1\r\nhost: checkout.shop.svc\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\r\n` +
      "accept: */*\r\nx-forwarded-for: 10.0.0.3\r\nx-request-id: 0f8fad5b-d9cb-469f-a165-70867728950e",
  );

/** A head of its own each time, as a request has one: its texts are decoded anew. */
function outcomes(telemetry: HttpOutcome["telemetry"], path: string): HttpOutcome[] {
  return Array.from({ length: 64 }, (_, i) => ({
    ...httpOutcome(),
    head: head(`${path}/${i}`),
    telemetry,
  }));
}

const cases: readonly (readonly [name: string, outcomes: HttpOutcome[]])[] = [
  ["off", outcomes(telemetryOf({ isEnabled: false }), "/api/orders")],
  ["json", outcomes(undefined, "/api/orders")],
  ["json, a policy's settings", outcomes(telemetryOf({}), "/api/orders")],
  ["json, a path with quotes", outcomes(undefined, '/api/"orders"')],
  ["text, Envoy's default", outcomes(telemetryOf({ textFormat: envoyFormat }), "/api/orders")],
];

const rounds = Number(process.argv[2] ?? 15);
for (const [name, list] of cases) {
  const times = Array.from({ length: rounds }, () => measure(list)).toSorted((a, b) => a - b);
  process.stdout.write(`${name.padEnd(28)} ${(times[rounds >> 1] ?? 0).toFixed(3)} µs a line\n`);
}

function measure(list: readonly HttpOutcome[]): number {
  const log = new AccessLog({
    clock: systemClock,
    dropped: { value: 0 },
    write: (bytes, done) => done(null, bytes.length),
  });
  const agent = { snapshot: { mesh: { accessLog: true }, revision: 3 } };
  const logger = new AccessLogger({ log, agent, clock: systemClock, random: Math.random });
  const start = process.cpuUsage();
  for (let i = 0; i < linesPerRound; i++) {
    const outcome = list[i % list.length];
    if (outcome !== undefined) logger.http(outcome);
  }
  const { user, system } = process.cpuUsage(start);
  log.close();
  return (user + system) / linesPerRound;
}
