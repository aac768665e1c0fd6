/** What is told of a request where two configurations are compared: by the oracle, by `weft plan`, and by whoever saw it. */
import type { Flip, RequestResult, SimulatedRequest } from "../../../src/api/index.ts";
import type { Question } from "./applied.ts";
import type { Foretold } from "./foretell.ts";
import type { LiveAnswer } from "./live-mesh.ts";
import { simulatedRequest } from "./simulated-request.ts";

export interface Ending {
  readonly verdict: string;
  /** That a proxy answers with, of a call the gRPC status; undefined: an application answers, or a call is redirected. */
  readonly status: number | undefined;
  readonly reason: string;
  /** "shop/one:80"; empty: none. */
  readonly backend: string;
}

/** Words for an ending: two requests with the same words end alike. Undefined: there are none, and nobody compares it. */
export type Words = (ending: Ending) => string | undefined;

/** All that a plan looks at. */
export const allOf: Words = ({ verdict, status, reason, backend }) =>
  [verdict, status ?? "", reason, backend === "" ? "" : `to ${backend}`]
    .filter((each) => each !== "")
    .join(" ");

/** What shows outside: the application that got it, or the status. */
export const seenOf: Words = ({ verdict, status, backend }) =>
  verdict === "unknown"
    ? undefined
    : verdict === "forwarded"
      ? `to ${backend}`
      : `status ${status ?? "of a redirect"}`;

export function foretoldEnding(
  question: Question,
  { verdict, status, reason, backend, location }: Foretold,
): Ending {
  // A redirect is no answer to a call: what a client makes of it is its own.
  const isOpen = status === undefined || (question.isGrpc && location !== undefined);
  return { verdict, status: isOpen ? undefined : status, reason, backend };
}

function plannedEnding(request: SimulatedRequest, { outcome, backends }: RequestResult): Ending {
  const isGrpc = request.url.startsWith("grpc:");
  const { verdict, status, grpcStatus, reason = "" } = outcome;
  const isCarried = verdict === "forwarded" || verdict === "unknown";
  // Of a preflight it is open which.
  const isPreflight = verdict === "answered" && reason === "" && [200, 204, 403].includes(status ?? 0);
  const isOpen = isCarried || isPreflight || (isGrpc && verdict === "answered" && reason === "");
  const told = isGrpc ? grpcStatus : status;
  return { verdict, status: isOpen ? undefined : told, reason, backend: backends.join(", ") };
}

/** `foretold` says whether a call is redirected and whether it depends on the endpoint, and nothing else. */
export function seenEnding(question: Question, answer: LiveAnswer, foretold: Foretold): Ending {
  const shown = answer.seen.length > 0 ? "forwarded" : "not";
  const verdict = foretold.verdict === "unknown" ? "unknown" : shown;
  const backend = answer.seen.map((each) => each.backend).join(", ");
  const ofCall = answer.trailers["grpc-status"] ?? answer.headers["grpc-status"] ?? answer.status;
  const status = question.isGrpc ? Number(ofCall) : answer.status;
  const isOpen = foretold.cors?.isPreflight === true || (question.isGrpc && foretold.location !== undefined);
  return { verdict, status: isOpen ? undefined : status, reason: "", backend };
}

/** "<request>: <ending> -> <ending>", and of how many requests. A plan counts those that differ in nothing but their id as one. */
export type Flips = ReadonlyMap<string, number>;

export interface Asked {
  readonly question: Question;
  readonly before: Ending;
  readonly after: Ending;
}

export function flipsOf(asked: readonly Asked[], words: Words): Flips {
  return counted(
    asked.map(({ question, before, after }) => ({
      ...{ request: simulatedRequest(question), count: 1 },
      ...{ before: words(before), after: words(after) },
    })),
  );
}

export function plannedFlips(flips: readonly Flip[], words: Words): Flips {
  return counted(
    flips.map(({ request, count, before, after }) => ({
      ...{ request, count },
      before: words(plannedEnding(request, before)),
      after: words(plannedEnding(request, after)),
    })),
  );
}

interface Told {
  readonly request: SimulatedRequest;
  readonly count: number;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function counted(told: readonly Told[]): Flips {
  const flips = new Map<string, number>();
  for (const { request, count, before, after } of told) {
    if (before === after || before === undefined || after === undefined) continue;
    const { workload, gateway } = request.from;
    const headers = (request.headers ?? []).map(([name, value]) => `${name}=${value}`).join("&");
    const text = `${workload ?? gateway} ${request.method} ${request.url} ${headers}: ${before} -> ${after}`;
    flips.set(text, (flips.get(text) ?? 0) + count);
  }
  return flips;
}

/** A line for each that only one of the two has, or has more often. */
export function flipDifferences(found: Flips, expected: Flips): string[] {
  return [...new Set([...found.keys(), ...expected.keys()])].flatMap((text) => {
    const [theirs, ours] = [found.get(text) ?? 0, expected.get(text) ?? 0];
    return theirs === ours ? [] : [`${text}: planned ${theirs} times, and it is ${ours}`];
  });
}
