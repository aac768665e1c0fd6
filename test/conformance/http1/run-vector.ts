/** One vector through one lane: what the upstream saw, what the client got, and what became of the connection. */
import type { Vector } from "../../../src/http1/testdata/vector.ts";
import { expectRequest, expectResponse } from "./expectation.ts";
import type { Expectation } from "./outcome.ts";
import { askingRequest } from "./overrides.ts";
import { RawClient } from "./raw-client.ts";
import { probePath, type RecordingUpstream } from "./recording-upstream.ts";

export interface Lane {
  /** Where the proxy listens. */
  readonly port: number;
  readonly upstream: RecordingUpstream;
}

export interface Observation {
  readonly seen: readonly string[];
  readonly answers: readonly string[];
  readonly interims: readonly string[];
  /** `open`: another request was answered on it. `silent`: neither that nor an end within the time. */
  readonly connection: "open" | "closed" | "silent";
  /** Head lines, in lower case, of what arrived at the other side. */
  readonly headLines: readonly string[];
}

export interface Run {
  readonly kind: "request" | "response";
  readonly vector: Vector;
  readonly expectation: Expectation;
  readonly observation: Observation;
}

const probe = `GET ${probePath} HTTP/1.1\r\nHost: a\r\n\r\n`;
const probed = '200 "probe"';

export async function runRequest(vector: Vector, lane: Lane, patienceMs: number): Promise<Run> {
  const expectation = expectRequest(vector);
  const { upstream } = lane;
  upstream.begin({});
  const methods = expectation.seen.map((seen) => seen.split(" ")[0] ?? "GET");
  const client = await RawClient.connect(lane.port, methods, false);
  client.write(vector.raw);
  if (vector.fin === true) client.shutdown();
  const wanted = expectation.answers.length;
  await client.until(() => client.isClosed || (wanted > 0 && client.finals.length >= wanted), patienceMs);
  let isProbed = false;
  if (expectation.connection === "open" && !client.isClosed) {
    client.write(probe);
    await client.until(() => client.isClosed || client.finals.includes(probed), patienceMs);
    isProbed = client.finals.includes(probed);
  } else {
    await client.until(() => client.isClosed, patienceMs);
  }
  const connection = isProbed ? "open" : client.isClosed ? "closed" : "silent";
  const answers = client.finals.filter((answer) => answer !== probed);
  client.terminate();
  await upstream.settle();
  const observation: Observation = {
    seen: upstream.seen,
    answers,
    interims: [],
    connection,
    headLines: headLines(upstream.raw),
  };
  return { kind: "request", vector, expectation, observation };
}

export async function runResponse(vector: Vector, lane: Lane, patienceMs: number): Promise<Run> {
  const expectation = expectResponse(vector);
  const { upstream } = lane;
  const { early } = expectation;
  upstream.begin({ response: vector.raw, fin: vector.fin ?? false, isEarly: early !== undefined });
  const method = vector.methods?.[0] ?? (early === undefined ? "GET" : "POST");
  const client = await RawClient.connect(lane.port, [method], vector.upgrade ?? false);
  client.write(early?.head ?? askingRequest(method, vector.upgrade ?? false));
  const wanted = expectation.answers.length;
  const isAnswered = (): boolean => client.isClosed || client.finals.length >= wanted;
  if (!(await client.until(isAnswered, patienceMs)) && early === undefined) {
    upstream.end();
    await client.until(isAnswered, patienceMs);
  }
  if (early !== undefined) {
    client.write(early.content);
    // A proxy that asks its upstream only once the content is there may do so.
    await client.until(isAnswered, patienceMs);
  }
  const isTunnel = client.finals.some((answer) => answer.startsWith("101"));
  let connection: Observation["connection"] = client.isClosed ? "closed" : "silent";
  const answers = [...client.finals];
  const interims = client.answers.filter((answer) => answer.startsWith("interim "));
  // Whatever came of it: the next client's request must get its own answer, on this connection or on a new one.
  if (!isTunnel) {
    const next = client.isClosed ? await RawClient.connect(lane.port, ["GET"], false) : client;
    const before = next.finals.length;
    next.write(probe);
    await next.until(() => next.finals.length > before || next.isClosed, patienceMs);
    const answer = next.finals[before];
    if (answer === probed && next === client) connection = "open";
    else if (answer !== undefined && answer !== probed) answers.push(`next: ${answer}`);
    next.terminate();
  }
  client.terminate();
  await upstream.settle();
  return {
    kind: "response",
    vector,
    expectation,
    observation: { seen: [], answers, interims, connection, headLines: headLines(client.raw) },
  };
}

/** All lines with a colon, trimmed as field lines are. */
function headLines(raw: string): string[] {
  return raw
    .split("\r\n")
    .filter((line) => line.includes(":"))
    .map((line) => {
      const colon = line.indexOf(":");
      return `${line.slice(0, colon)}: ${line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")}`.replace(
        /[A-Z]/g,
        (letter) => letter.toLowerCase(),
      );
    });
}
