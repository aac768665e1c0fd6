/**
 * `npm run bench:tracing`: what tracing adds to one request at a client's sidecar, in nanoseconds of this process. Timed is
 * all that hangs on a request: its place in a trace, the lines that tell the next hop and their copying into the head, the
 * clock reads that an observer wants, the decision at the end and the spans of those that are kept.
 */
import {
  encodeRequestHead,
  type HeaderLine,
  type RequestHead,
  RequestParser,
} from "../../src/http1/index.ts";
import { ByteWriter, systemClock } from "../../src/kernel/index.ts";
import { TracePropagation } from "../../src/model/index.ts";
import { type HttpOutcome, Observers, type TryRecord } from "../../src/proxy/observation/index.ts";
import { SeriesRegistry } from "../../src/proxy/telemetry/index.ts";
import { testTelemetry } from "../../src/proxy/testing/test-telemetry.ts";
import { TraceSwitch } from "../../src/proxy/tracing/index.ts";

const rounds = 60;
/** Few enough that heads are in the cache, as they are when they were just parsed. */
const batchSize = 50;
const batches = 100;
/** Until the engine has compiled what it will compile. */
const warmUpRounds = 60;

const browser =
  "GET /api/items?page=2 HTTP/1.1\r\nhost: shop.example\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
  "accept: application/json\r\naccept-encoding: gzip, br\r\naccept-language: en\r\ncookie: session=abcdef0123456789\r\n" +
  "x-request-id: 0f8fad5b-d9cb-469f-a165-70867728950e\r\n";
const traceparent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n";
const b3 = "b3: 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\r\n";

const edge = new SeriesRegistry().edge({
  direction: "outbound",
  sourceWorkload: "shop/web-1",
  sourceIdentity: "spiffe://mesh/ns/shop/sa/web",
  destinationWorkload: "shop/cart-1",
  destinationIdentity: "spiffe://mesh/ns/shop/sa/cart",
  destinationService: "shop/cart",
  destinationPort: 80,
  destinationVersion: "1",
  sourceVersion: "",
  sourceLocality: "",
  destinationLocality: "",
  route: "shop/cart",
  protocol: "http",
  mtls: true,
});

function headsOf(text: string): RequestHead[] {
  const heads: RequestHead[] = [];
  const parser = new RequestParser({
    onHead: (head) => void heads.push(head),
    onBody() {},
    onTrailers() {},
    onMessageEnd() {},
    onError() {},
  });
  for (let i = 0; i < batchSize; i++) parser.push(Buffer.from(`${text}\r\n`, "latin1"));
  return heads;
}

/** One request through what hangs on it. `tracing` without a tracer: the same without traces. */
class Passage {
  readonly tracing: TraceSwitch;
  readonly #observers = new Observers();
  readonly #out = new ByteWriter();
  spans = 0;

  constructor(propagation: readonly TracePropagation[] | undefined, samplingPpm: number) {
    const sink = { takesTraces: true, span: () => void this.spans++ };
    this.tracing = new TraceSwitch(this.#observers, { clock: systemClock, sink });
    if (propagation !== undefined)
      this.tracing.apply(testTelemetry({ tracing: { propagation, samplingPpm } }));
  }

  pass(head: RequestHead): void {
    const startUs = systemClock.monotonicUs();
    const trace = this.tracing.active?.begin(head, { direction: "outbound" });
    const { wantsTimes } = this.#observers;
    const admittedUs = wantsTimes ? systemClock.monotonicUs() : 0;
    const tryStartUs = wantsTimes ? systemClock.monotonicUs() : 0;
    const lines: HeaderLine[] = [];
    trace?.addLines(lines, 0);
    this.#out.clear();
    encodeRequestHead(this.#out, head, undefined, { lines });
    const firstByteUs = wantsTimes ? systemClock.monotonicUs() : 0;
    const tryEndUs = wantsTimes ? systemClock.monotonicUs() : 0;
    const endUs = systemClock.monotonicUs();
    const record: TryRecord = {
      ...{ place: "10.77.0.9:8080", workload: "shop/cart-1", number: 0, isHedge: false, startUs: tryStartUs },
      ...{ sentUs: tryStartUs, answeredUs: firstByteUs, endUs: tryEndUs, status: 200, reason: undefined },
    };
    const ended: HttpOutcome = {
      ...{ edge, rule: "rules[0]", head, response: undefined, scheme: "http", requestId: "id" },
      ...{ status: 200, grpcStatus: undefined, reason: undefined, detail: "", peerAddress: "10.77.0.8" },
      tries: { place: "10.77.0.9:8080", count: 1, fault: undefined, records: wantsTimes ? [record] : [] },
      ...{ requestBytes: 0, responseBytes: 5, durationUs: endUs - startUs },
      times: { startUs, admittedUs, firstByteUs, endUs },
      telemetry: undefined,
      trace,
    };
    this.#observers.http(trace?.keepsHttp(ended) === true ? { ...ended, traceId: trace.traceId } : ended);
  }
}

/** Of this process: other programs on the machine do not count. */
function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

function round(passage: Passage, heads: readonly RequestHead[]): number {
  const startNs = cpuNs();
  for (let batch = 0; batch < batches; batch++) for (const head of heads) passage.pass(head);
  return (cpuNs() - startNs) / (batches * heads.length);
}

/** Nanoseconds for one request in the best round, with and without: in turns, so that both see the same machine. */
function measure(passages: readonly Passage[], heads: readonly RequestHead[]): number[] {
  const best = passages.map(() => Number.POSITIVE_INFINITY);
  for (let i = -warmUpRounds; i < rounds; i++) {
    for (const [at, passage] of passages.entries()) {
      const figure = round(passage, heads);
      if (i >= 0) best[at] = Math.min(best[at] ?? figure, figure);
    }
  }
  return best;
}

const { W3C, B3, B3_MULTI } = TracePropagation;
const scenarios = [
  { name: "w3c, no parent, 1 %", lines: "", propagation: [W3C], samplingPpm: 10_000 },
  { name: "w3c, a parent that is not sampled", lines: traceparent, propagation: [W3C], samplingPpm: 10_000 },
  { name: "b3, a parent that is not sampled", lines: b3, propagation: [B3], samplingPpm: 10_000 },
  { name: "b3 in several fields, no parent, 1 %", lines: "", propagation: [B3_MULTI], samplingPpm: 10_000 },
  { name: "w3c, every request is kept", lines: "", propagation: [W3C], samplingPpm: 1_000_000 },
];

function run({ name, lines, propagation, samplingPpm }: (typeof scenarios)[number]): void {
  const passages = [new Passage(undefined, 0), new Passage(propagation, samplingPpm)];
  const [off = 0, on = 0] = measure(passages, headsOf(browser + lines));
  console.log(
    `${name.padEnd(40)} off ${off.toFixed(0)} ns, on ${on.toFixed(0)} ns: ${(on - off).toFixed(0)} ns more`,
  );
}

const [only] = process.argv.slice(2);
const chosen = scenarios.find(({ name }) => name === only);
if (chosen !== undefined) run(chosen);
// Each in a process of its own: what ran before changes how fast the same code is.
else
  for (const { name } of scenarios)
    Bun.spawnSync([process.execPath, import.meta.path, name], { stdout: "inherit", stderr: "inherit" });
