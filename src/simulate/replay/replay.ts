/** Recorded traffic against two states of a mesh: what each request meets in one and in the other. Keeps flips, and no requests. */
import type { Flip } from "../../api/index.ts";
import { addFlip, isFlip, resultOf, type Simulate } from "../plan/flips.ts";
import { recordedRequest } from "./recorded-request.ts";
import type { TrafficLine } from "./traffic-record.ts";

export interface ReplayReport {
  /** Requests that were asked about. */
  readonly requests: number;
  /** Records of servers' sides, whose requests the callers' sides tell. */
  readonly otherSides: number;
  /** Records whose caller or destination is not in the files. */
  readonly unknown: number;
  /** The tap did not tell so many. */
  readonly lost: number;
  /** Requests that something else becomes of. */
  readonly flipped: number;
  /** Like ones together. */
  readonly flips: readonly Flip[];
  /** Flips of further kinds, which are counted and not kept. */
  readonly flipsOmitted: number;
}

const maxFlips = 1_000;

export interface ReplayOptions {
  readonly lines: AsyncIterable<TrafficLine>;
  readonly before: Simulate;
  readonly after: Simulate;
  /** "namespace/name" of all Gateways, of either state. */
  readonly gateways: readonly string[];
}

export async function replay({ lines, before, after, gateways }: ReplayOptions): Promise<ReplayReport> {
  const counts = { requests: 0, otherSides: 0, unknown: 0, lost: 0, flipped: 0, flipsOmitted: 0 };
  const flips = new Map<string, Flip>();
  for await (const line of lines) {
    if (line.type === "loss") {
      counts.lost += line.count;
      continue;
    }
    if (line.record.direction === "DIRECTION_INBOUND") {
      counts.otherSides++;
      continue;
    }
    const request = recordedRequest(line.record, gateways);
    const old = request && resultOf(request, before);
    const now = request && resultOf(request, after);
    if (request === undefined || old === undefined || now === undefined) {
      counts.unknown++;
      continue;
    }
    counts.requests++;
    if (!isFlip(old, now)) continue;
    counts.flipped++;
    if (!addFlip(flips, { request, count: 1, before: old, after: now }, maxFlips)) counts.flipsOmitted++;
  }
  return { ...counts, flips: [...flips.values()].toSorted((a, b) => b.count - a.count) };
}
