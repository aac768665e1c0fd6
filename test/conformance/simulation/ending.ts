/** What is told of a request where two configurations are compared: the oracle's word, and `weft plan`'s of the same request. */
import type { Flip, RequestResult, SimulatedRequest } from "../../../src/api/index.ts";
import type { Question } from "./applied.ts";
import type { Foretold } from "./foretell.ts";
import { simulatedRequest } from "./simulated.ts";

/** Of two requests with one ending nobody sees a difference, but in headers. */
export function endingOf(
  question: Question,
  { verdict, status, reason, backend, location }: Foretold,
): string {
  const told = verdict === "forwarded" || (question.isGrpc && location !== undefined) ? undefined : status;
  return endingText(verdict, told, reason, backend);
}

function plannedEnding(request: SimulatedRequest, { outcome, backends }: RequestResult): string {
  const isGrpc = request.url.startsWith("grpc:");
  const { verdict, status, grpcStatus, reason = "" } = outcome;
  // A redirect is no answer to a call: what a client makes of it is its own.
  const told =
    verdict === "forwarded" || (isGrpc && verdict === "answered" && reason === "")
      ? undefined
      : isGrpc
        ? grpcStatus
        : status;
  return endingText(verdict, told, reason, backends.join(", "));
}

function endingText(verdict: string, status: number | undefined, reason: string, backend: string): string {
  return [verdict, status ?? "", reason, backend === "" ? "" : `to ${backend}`]
    .filter((each) => each !== "")
    .join(" ");
}

/** "<request>: <ending> -> <ending>", and of how many requests. A plan counts those that differ in nothing but their id as one. */
export type Flips = ReadonlyMap<string, number>;

export interface Asked {
  readonly question: Question;
  readonly before: string;
  readonly after: string;
}

export function flipsOf(asked: readonly Asked[]): Flips {
  const flips = new Map<string, number>();
  for (const { question, before, after } of asked) {
    if (before === after) continue;
    add(flips, flipText(simulatedRequest(question), before, after), 1);
  }
  return flips;
}

export function plannedFlips(flips: readonly Flip[]): Flips {
  const found = new Map<string, number>();
  for (const { request, count, before, after } of flips) {
    add(found, flipText(request, plannedEnding(request, before), plannedEnding(request, after)), count);
  }
  return found;
}

function add(flips: Map<string, number>, text: string, count: number): void {
  flips.set(text, (flips.get(text) ?? 0) + count);
}

function flipText(request: SimulatedRequest, before: string, after: string): string {
  const { workload, gateway } = request.from;
  const headers = (request.headers ?? []).map(([name, value]) => `${name}=${value}`).join("&");
  return `${workload ?? gateway} ${request.method} ${request.url} ${headers}: ${before} -> ${after}`;
}

/** A line for each that only one of the two has, or has more often. */
export function flipDifferences(found: Flips, foretold: Flips): string[] {
  return [...new Set([...found.keys(), ...foretold.keys()])].flatMap((text) => {
    const [theirs, ours] = [found.get(text) ?? 0, foretold.get(text) ?? 0];
    return theirs === ours ? [] : [`${text}: planned ${theirs} times, foretold ${ours}`];
  });
}
