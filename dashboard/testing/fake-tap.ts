/** Requests that nobody made, as a tap tells of them: protobuf's JSON, hop by hop in causal order. */
import { noise } from "./fake-figures.ts";
import { type FakeCall, type FakeMesh, idOf } from "./fake-mesh.ts";

type Json = Readonly<Record<string, unknown>>;
const maxDepth = 5;

/** The hops of request number `n`. The second machine's clock is 40 ms off. */
export function hopsOf(mesh: FakeMesh, n: number, startMs: number): readonly Json[] {
  const roots = mesh.calls.filter(({ from }) => from === "");
  const root = roots[n % Math.max(1, roots.length)] ?? mesh.calls[n % mesh.calls.length];
  if (root === undefined) return [];
  const lengthUs = Math.round((20 + noise("length", n) * 160) * 1000);
  const next = (id: string, seed: number): FakeCall | undefined => {
    const all = mesh.calls.filter(({ from }) => from === id);
    return all[Math.floor(noise(id, n + seed) * all.length)];
  };
  const hops: Json[] = [];
  let call: FakeCall | undefined = root.from === "" ? next(root.to, 0) : root;
  let [fromUs, spanUs] = [startMs * 1000, lengthUs];
  for (let depth = 0; depth < maxDepth && call !== undefined; depth++) {
    const isFailed = noise(call.to, n) < call.errorShare;
    hops.push(...sidesOf(mesh, { call, n, fromUs, spanUs, isFailed, depth }));
    [fromUs, spanUs] = [fromUs + spanUs * 0.14, Math.round(spanUs * 0.68)];
    call = next(call.to, depth + 1);
  }
  return hops;
}

interface Side {
  readonly call: FakeCall;
  readonly n: number;
  readonly fromUs: number;
  readonly spanUs: number;
  readonly isFailed: boolean;
  readonly depth: number;
}

function sidesOf(mesh: FakeMesh, { call, n, fromUs, spanUs, isFailed, depth }: Side): readonly Json[] {
  const version = mesh.services.find((each) => idOf(each) === call.to)?.versions[0] ?? "";
  const [source, destination] = [`${call.from}-2`, `${call.to}-2`];
  const common = {
    requestId: requestId(n),
    traceId: requestId(n).replaceAll("-", ""),
    sourceWorkload: source,
    sourceIdentity: `spiffe://${mesh.trustDomain}/ns/${call.from.replace("/", "/sa/")}`,
    destinationWorkload: destination,
    destinationService: call.to,
    destinationPort: 9080,
    destinationVersion: version,
    route: depth === 1 ? call.to : "",
    rule: depth === 1 ? "canary" : "",
    mtls: call.isMutualTls,
    protocol: depth === 2 ? "HTTP/2" : "HTTP/1.1",
    method: n % 4 === 0 ? "POST" : "GET",
    scheme: "http",
    authority: `${call.to.split("/").at(-1) ?? ""}:9080`,
    path: ["/", "/books/4711", "/reviews/4711", "/cart/items", "/checkout"][n % 5],
    status: isFailed ? 503 : 200,
    ...(isFailed
      ? { reason: "upstream_reset", detail: "the endpoint ended the connection before it answered" }
      : {}),
    requestBytes: "640",
    responseBytes: String(1_200 + n * 7),
    requestHeaders: [
      header("accept", "application/json"),
      header("authorization", "(redacted)"),
      header("x-request-id", requestId(n)),
    ],
    responseHeaders: [header("content-type", "application/json"), header("server", "weft")],
    revision: "148",
  };
  const firstByteUs = Math.round(spanUs * 0.9);
  const tries = isFailed
    ? [
        tryOf(destination, [0.05, 0.4], spanUs, "upstream_reset"),
        tryOf(`${call.to}-1`, [0.45, 0.9], spanUs, "503"),
      ]
    : [tryOf(destination, [0.05, 0.9], spanUs, "200")];
  const skewUs = depth === 1 ? 40_000 : 0;
  return [
    {
      ...common,
      direction: "DIRECTION_OUTBOUND",
      proxy: source,
      startUnixUs: String(Math.round(fromUs)),
      admittedUs: String(Math.round(spanUs * 0.04)),
      firstByteUs: String(firstByteUs),
      endUs: String(spanUs),
      tries,
    },
    {
      ...common,
      direction: "DIRECTION_INBOUND",
      proxy: destination,
      startUnixUs: String(Math.round(fromUs + spanUs * 0.1 + skewUs)),
      admittedUs: String(Math.round(spanUs * 0.02)),
      firstByteUs: String(Math.round(spanUs * 0.74)),
      endUs: String(Math.round(spanUs * 0.8)),
    },
  ];
}

function tryOf(
  workload: string,
  [from, to]: readonly [number, number],
  spanUs: number,
  outcome: string,
): Json {
  const at = (share: number): string => String(Math.round(spanUs * share));
  return {
    address: "10.42.1.17:9080",
    workload,
    startUs: at(from),
    connectedUs: at(from + 0.03),
    firstByteUs: at(to),
    endUs: at(to + 0.05),
    outcome,
  };
}

function header(name: string, value: string): Json {
  return { name, value: Buffer.from(value).toString("base64") };
}

export function requestId(n: number): string {
  return `0198f3c2-77aa-7000-8000-${n.toString(16).padStart(12, "0")}`;
}
