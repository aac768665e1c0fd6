/** The doors that workers share. */
import { expect, test } from "bun:test";
import { doorsOf, opensNone, withBound } from "./doors.ts";
import type { WorkerPlan } from "./messages.ts";

const plan: WorkerPlan = {
  role: "sidecar",
  workload: {
    namespace: "shop",
    name: "web",
    serviceAccount: "default",
    labels: {},
    addresses: [],
    ports: [],
    region: "",
    zone: "",
  },
  capture: { kind: "redirect", outboundPort: 15_001, inboundPort: 15_006, dnsPort: 15_053, mark: 0 },
  tunnel: { address: "10.0.0.1", port: 0 },
  application: { address: "127.0.0.1" },
  dnsUpstreams: [],
};
const upstream = { service: "shop/api", servicePort: 80, port: 0 };

test("are the tunnel and what is captured, on every address where they may be opened; a gateway has no tunnel", () => {
  expect(doorsOf(plan).map(({ address, port }) => `${address} ${port}`)).toEqual([
    "10.0.0.1 0",
    "127.0.0.1 15001",
    "::1 15001",
    ":: 15006",
    "0.0.0.0 15006",
  ]);
  expect(doorsOf({ ...plan, role: "gateway", capture: { kind: "none" } })).toEqual([]);
});

test("have for all workers the ports that the system chose for the first", () => {
  const explicit: WorkerPlan = {
    ...plan,
    capture: {
      kind: "explicit",
      outbound: [
        { ...upstream, address: "127.0.0.1" },
        { ...upstream, address: "::1" },
        { ...upstream, address: "127.0.0.1" },
      ],
    },
  };
  const bound = withBound(explicit, {
    // This machine has no "::1".
    outbound: [
      { address: "127.0.0.1", port: 101 },
      { address: "127.0.0.1", port: 102 },
    ],
    tunnel: { address: "10.0.0.1", port: 103 },
    plaintextPort: undefined,
  });
  expect(doorsOf(bound).map(({ port }) => port)).toEqual([103, 101, 0, 102]);
});

test("are opened and closed by changes of Gateways alone", () => {
  const gateway = { kind: "Gateway" as const, name: "shop/door", version: "1", bytes: new Uint8Array() };
  expect(opensNone({ revision: 1, upserts: [{ ...gateway, kind: "Cluster" }], removals: [] })).toBe(true);
  expect(opensNone({ revision: 1, upserts: [gateway], removals: [] })).toBe(false);
  expect(opensNone({ revision: 1, upserts: [], removals: [gateway] })).toBe(false);
});
