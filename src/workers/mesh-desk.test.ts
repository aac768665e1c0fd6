/** What workers want of the mesh, at their parent. */
import { expect, test } from "bun:test";
import type { AgentLookup } from "../proxy/index.ts";
import { MeshDesk } from "./mesh-desk.ts";

function deskThatAnswers(answer: "unavailable" | "unknown" | undefined) {
  const calls: string[] = [];
  const refused: string[] = [];
  const callbacks: ((result: "unavailable" | "unknown") => void)[] = [];
  const resolve =
    (kind: string) => (key: string, deadlineMs: number, callback: (typeof callbacks)[number]) => {
      calls.push(`${kind} ${key} ${deadlineMs}`);
      if (answer === undefined) callbacks.push(callback);
      else callback(answer);
      return undefined;
    };
  const desk = new MeshDesk({
    agent: {
      resolveAddress: resolve("Address"),
      resolveOutbound: resolve("Outbound"),
      resolveName: resolve("Name"),
      prefetch: (ip) => void calls.push(`prefetch ${ip}`),
      touch: (kind, key) => void calls.push(`touch ${kind} ${key}`),
    },
    taps: { receive: (worker, bytes) => void calls.push(`tapped ${worker} ${bytes.length}`) },
    reports: { add: (bytes) => void calls.push(`report ${bytes.length}`) },
    refuse: (worker, { kind, key }) => void refused.push(`${worker} ${kind} ${key}`),
  });
  return { desk, calls, refused, callbacks };
}

const lookup: AgentLookup = { kind: "Outbound", key: "k", deadlineMs: 50 };

test("lookups, uses and reports reach the agent", () => {
  const { desk, calls } = deskThatAnswers("unknown");
  for (const kind of ["Address", "Outbound", "Name"] as const) {
    desk.receive(0, { kind: "lookup", lookup: { ...lookup, kind } });
  }
  desk.receive(0, { kind: "prefetch", ip: "10.0.0.1" });
  desk.receive(0, { kind: "touched", names: [{ kind: "Name", key: "a" }] });
  desk.receive(0, { kind: "report", bytes: new Uint8Array(3) });
  desk.receive(2, { kind: "tapped", bytes: new Uint8Array(4) });
  expect(calls).toEqual([
    "Address k 50",
    "Outbound k 50",
    "Name k 50",
    "prefetch 10.0.0.1",
    "touch Name a",
    "report 3",
    "tapped 2 4",
  ]);
});

test("only that there is no room is said: answers come with changes, and deadlines are the worker's", () => {
  const full = deskThatAnswers("unavailable");
  full.desk.receive(1, { kind: "lookup", lookup });
  expect(full.refused).toEqual(["1 Outbound k"]);
  const late = deskThatAnswers(undefined);
  late.desk.receive(1, { kind: "lookup", lookup });
  for (const callback of late.callbacks) callback("unavailable");
  expect(late.refused).toEqual([]);
});
