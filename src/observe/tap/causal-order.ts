/**
 * Hops of one request in the order in which one caused the other: out of a caller, into a server, out of that one, and so on. Told
 * by who called whom, since the clocks of two machines do not agree; only among hops of one proxy does time decide.
 */
import { Direction, type TapRecord } from "../../wire/index.ts";

export function inCausalOrder(records: readonly TapRecord[]): TapRecord[] {
  const waiting = new Set(records.toSorted((a, b) => (a.startUnixUs < b.startUnixUs ? -1 : 1)));
  const servers = new Set(
    records.flatMap((each) => (each.direction === Direction.INBOUND ? [each.destinationWorkload] : [])),
  );
  const ordered: TapRecord[] = [];
  const follow = (record: TapRecord): void => {
    if (!waiting.delete(record)) return;
    ordered.push(record);
    for (const each of [...waiting]) if (isCausedBy(each, record)) follow(each);
  };
  // Whoever was called by nobody that is known has begun it.
  for (const each of [...waiting]) {
    if (each.direction === Direction.OUTBOUND && !servers.has(each.sourceWorkload)) follow(each);
  }
  const callers = new Set(
    records.flatMap((each) => (each.direction === Direction.OUTBOUND ? [each.sourceWorkload] : [])),
  );
  for (const each of [...waiting]) {
    if (each.direction === Direction.INBOUND && !callers.has(each.sourceWorkload)) follow(each);
  }
  // What is left is a circle: who was first is told by time.
  for (const each of [...waiting]) follow(each);
  return ordered;
}

function isCausedBy(record: TapRecord, before: TapRecord): boolean {
  if (record.direction === before.direction) return false;
  if (record.direction === Direction.OUTBOUND) return record.sourceWorkload === before.destinationWorkload;
  if (record.sourceWorkload !== before.sourceWorkload) return false;
  const { destinationWorkload: reached } = record;
  return before.destinationWorkload === reached || before.tries.some(({ workload }) => workload === reached);
}
