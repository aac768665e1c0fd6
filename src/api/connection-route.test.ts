/** TCPRoutes and TLSRoutes: defaults, and what is refused. */
import { expect, test } from "bun:test";
import { printerCells } from "./kinds.ts";
import { issuesOf, parsed, parsedAs } from "./testing/parsing.ts";

const backend = { name: "db", port: 5432 };

function route(kind: "TCPRoute" | "TLSRoute", spec: object): unknown {
  return { apiVersion: "gateway.networking.k8s.io/v1", kind, metadata: { name: "r" }, spec };
}

test("backends have a weight of 1 and are Services", () => {
  const { spec } = parsedAs("TCPRoute", route("TCPRoute", { rules: [{ backendRefs: [backend] }] }));
  expect(spec.rules[0]?.backendRefs).toEqual([{ group: "", kind: "Service", weight: 1, ...backend }]);
});

test.each([
  [route("TCPRoute", {}), "spec.rules: is required"],
  [route("TCPRoute", { rules: [] }), "spec.rules: must have at least 1 item"],
  [route("TCPRoute", { rules: [{}] }), "spec.rules[0].backendRefs: is required"],
  [
    route("TCPRoute", { rules: [{ backendRefs: [backend] }, { backendRefs: [backend] }] }),
    "spec.rules: must not have more than 1 items",
  ],
  [
    route("TCPRoute", { rules: [{ backendRefs: [{ name: "db" }] }] }),
    "spec.rules[0].backendRefs[0].port: is required for a Service",
  ],
  [
    route("TCPRoute", { hostnames: ["a.org"], rules: [{ backendRefs: [backend] }] }),
    "spec.hostnames: unknown field",
  ],
  [route("TLSRoute", { rules: [{ backendRefs: [backend] }] }), "spec.hostnames: is required"],
  [
    route("TLSRoute", { hostnames: ["10.0.0.1"], rules: [{ backendRefs: [backend] }] }),
    "spec.hostnames[0]: must be a host name, not an IP address",
  ],
  [
    route("TLSRoute", { hostnames: ["*"], rules: [{ backendRefs: [backend] }] }),
    "spec.hostnames[0]: must be a lower-case host name such as shop.example.com or *.example.com",
  ],
  [
    route("TLSRoute", {
      parentRefs: [{ name: "edge" }, { name: "edge" }],
      hostnames: ["a.org"],
      rules: [{ backendRefs: [backend] }],
    }),
    "spec.parentRefs[1].sectionName: must be unique where a parent is referred to twice",
  ],
])("%# is refused", (input, issue) => {
  expect(issuesOf(input)).toEqual([issue]);
});

test("the columns name what is matched and what it attaches to", () => {
  const input = route("TLSRoute", {
    parentRefs: [{ name: "edge" }],
    hostnames: ["a.org", "*.b.org"],
    rules: [{ backendRefs: [backend] }],
  });
  expect(printerCells(parsed(input))).toEqual(["a.org,*.b.org", "Gateway/edge", "Unknown"]);
});
