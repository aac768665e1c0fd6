/** The hops of one request on one scale of time, the clocks of different machines set right as far as cause and effect tell. */
import { isFailed, type TapRecord } from "./tap-record.ts";

export interface Phase {
  readonly kind: "admission" | "connecting" | "waiting" | "receiving";
  readonly fromUs: number;
  readonly toUs: number;
}

export interface Hop {
  readonly record: TapRecord;
  readonly depth: number;
  /** Since the start of the first hop. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly phases: readonly Phase[];
  readonly isFailed: boolean;
  /** So far was this hop's clock moved, in microseconds; 0 where it fitted. */
  readonly movedUs: number;
}

export interface Waterfall {
  readonly hops: readonly Hop[];
  readonly totalUs: number;
}

/** What does not fit into its caller by more than this is a clock that is off. */
const toleranceUs = 50;

/** `records` are in causal order: a caller before whom it calls. */
export function waterfallOf(records: readonly TapRecord[]): Waterfall {
  const [first] = records;
  if (first === undefined) return { hops: [], totalUs: 0 };
  const hops: Hop[] = [];
  for (const record of records) {
    const parent = parentOf(record, hops);
    const wantedUs = record.startUs - first.startUs;
    const fromUs = parent === undefined ? Math.max(0, wantedUs) : fitInto(wantedUs, record.endUs, parent);
    hops.push({
      record,
      depth: parent === undefined ? 0 : parent.depth + 1,
      fromUs,
      toUs: fromUs + record.endUs,
      phases: phasesOf(record, fromUs),
      isFailed: isFailed(record),
      movedUs: Math.round(fromUs - wantedUs),
    });
  }
  return { hops, totalUs: Math.max(1, ...hops.map(({ toUs }) => toUs)) };
}

/** A server's side belongs to the client's side that reached it; a client's side to the server's side of the same workload. */
function parentOf(record: TapRecord, hops: readonly Hop[]): Hop | undefined {
  return hops.findLast(({ record: other }) =>
    record.direction === "inbound"
      ? other.direction === "outbound" &&
        (other.destinationWorkload === record.proxy ||
          other.tries.some(({ workload }) => workload === record.proxy))
      : other.direction === "inbound" && other.proxy === record.proxy,
  );
}

/** As it says where that lies within its caller; otherwise in the middle, as the way there and back is about the same. */
function fitInto(fromUs: number, lengthUs: number, parent: Hop): number {
  const fits = fromUs >= parent.fromUs - toleranceUs && fromUs + lengthUs <= parent.toUs + toleranceUs;
  if (fits) return Math.max(fromUs, parent.fromUs);
  return parent.fromUs + Math.max(0, (parent.toUs - parent.fromUs - lengthUs) / 2);
}

function phasesOf({ admittedUs, firstByteUs, endUs, tries }: TapRecord, fromUs: number): Phase[] {
  const connectedUs = tries.at(-1)?.connectedUs ?? 0;
  const ends: readonly (readonly [Phase["kind"], number])[] = [
    ["admission", admittedUs],
    ["connecting", connectedUs],
    ["waiting", firstByteUs],
    ["receiving", endUs],
  ];
  const phases: Phase[] = [];
  let last = 0;
  for (const [kind, end] of ends) {
    // 0: not reached.
    if (end <= last) continue;
    phases.push({ kind, fromUs: fromUs + last, toUs: fromUs + end });
    last = end;
  }
  return phases;
}
