/** What a proxy tells of where its metrics are read. */
import { expect, test } from "bun:test";
import { nodeOf } from "./introduction.ts";

const workload = {
  ...{ namespace: "shop", name: "web-1", serviceAccount: "web", labels: {}, ports: [], region: "", zone: "" },
  addresses: ["10.77.0.2", "fd00::2"],
};

test.each([
  ["its own address", { address: "10.77.0.9", port: 15_020 }, { address: "10.77.0.9", port: 15_020 }],
  ["any address: the workload's first", { address: "0.0.0.0", port: 1 }, { address: "10.77.0.2", port: 1 }],
  ["any address of IPv6", { address: "::", port: 1 }, { address: "10.77.0.2", port: 1 }],
  ["a port that is not known yet", { address: "10.77.0.9", port: 0 }, undefined],
])("%s", (_, admin, told) => {
  const node = nodeOf({ role: "sidecar", workload, admin }, undefined);
  expect(node.metadata?.["metrics"]).toEqual(told);
});
