/** The whole table through one proxy: vectors side by side, one for each lane at a time. */
import { allRequestVectors, allResponseVectors } from "../../../src/http1/testdata/tables.ts";
import { requestChoices } from "./request-choices.ts";
import { responseChoices } from "./response-choices.ts";
import { expectRequest, expectResponse } from "./expectation.ts";
import { judge, type Judgement } from "./judge.ts";
import type { Peer } from "./peers/peer.ts";
import { RecordingUpstream } from "./recording-upstream.ts";
import { type Lane, runRequest, runResponse } from "./run-vector.ts";

export interface Row extends Judgement {
  readonly kind: "request" | "response";
  readonly title: string;
  readonly isChoice: boolean;
}

export interface TableRun {
  readonly version: string;
  /** In the order of the table. */
  readonly rows: readonly Row[];
}

interface Entry {
  readonly title: string;
  readonly kind: "request" | "response";
  readonly isChoice: boolean;
  readonly run: (lane: Lane) => Promise<Judgement>;
}

/** How long a proxy may take for each step of a vector. */
export async function runTable(peer: Peer, laneCount: number, patienceMs: number): Promise<TableRun> {
  const upstreams = Array.from({ length: laneCount }, () => new RecordingUpstream());
  const running = await peer.start(upstreams.map((upstream) => upstream.port));
  try {
    const lanes = upstreams.map((upstream, at): Lane => ({ port: running.ports[at] ?? 0, upstream }));
    const waiting = entries(patienceMs);
    const rows: Row[] = [];
    let next = 0;
    const work = async (lane: Lane): Promise<void> => {
      for (;;) {
        const at = next++;
        const entry = waiting[at];
        if (entry === undefined) return;
        const { title, kind, isChoice } = entry;
        rows[at] = { title, kind, isChoice, ...(await entry.run(lane)) };
      }
    };
    await Promise.all(lanes.map(work));
    return { version: running.version, rows };
  } finally {
    await running.stop();
    for (const upstream of upstreams) upstream.stop();
  }
}

function entries(patienceMs: number): Entry[] {
  const requests = allRequestVectors
    .filter((vector) => expectRequest(vector).skip === undefined)
    .map((vector): Entry => {
      const choice = requestChoices.get(vector.title);
      const run = async (lane: Lane): Promise<Judgement> =>
        judge(await runRequest(vector, lane, patienceMs), choice);
      return { title: vector.title, kind: "request", isChoice: choice !== undefined, run };
    });
  const responses = allResponseVectors
    .filter((vector) => expectResponse(vector).skip === undefined)
    .map((vector): Entry => {
      const choice = responseChoices.get(vector.title);
      const run = async (lane: Lane): Promise<Judgement> =>
        judge(await runResponse(vector, lane, patienceMs), choice);
      return { title: vector.title, kind: "response", isChoice: choice !== undefined, run };
    });
  return [...requests, ...responses];
}
