/** Limits of the mesh: their defaults, and bounds that are no limits. */
import { expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

const mesh = (spec: object): unknown => ({
  apiVersion: "weft.dev/v1alpha1",
  kind: "MeshConfig",
  metadata: { name: "mesh" },
  spec,
});

test("every limit has a default, beside those that are given", () => {
  const { limits } = parsedAs("MeshConfig", mesh({ limits: { maxHeaders: 64 } })).spec;
  expect(limits).toEqual({
    maxHeaderBytes: 65_536,
    maxHeaders: 64,
    maxUriBytes: 16_384,
    maxBufferedBodyBytes: 65_536,
    maxConnections: 16_384,
    maxConcurrentStreams: 100,
    headerTimeout: "15s",
    idleTimeout: "5m",
    bodyIdleTimeout: "5m",
    tcpIdleTimeout: "1h",
    maxHandshakes: 1_024,
    handshakeTimeout: "10s",
    maxRequestsPerConnection: 0,
  });
});

test.each([
  [{ maxConnections: 0 }, "spec.limits.maxConnections: must be 1 or more"],
  [{ headerTimeout: "0s" }, "spec.limits.headerTimeout: must be longer than 0s"],
  [{ tcpIdleTimeout: "169h" }, "spec.limits.tcpIdleTimeout: must not be longer than 168h"],
  [{ maxHeader: 5 }, "spec.limits.maxHeader: unknown field; did you mean spec.limits.maxHeaders?"],
])("%o is refused", (limits, issue) => {
  expect(issuesOf(mesh({ limits }))).toEqual([issue]);
});

test("TCP sessions may be idle for ever", () => {
  expect(issuesOf(mesh({ limits: { tcpIdleTimeout: "0s" } }))).toEqual([]);
});

test("a Service's PROXY protocol is version 1 or 2", () => {
  const service = (value: string): unknown => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db", annotations: { "weft.dev/proxy-protocol": value } },
    spec: { ports: [{ port: 80 }] },
  });
  expect(issuesOf(service("v2"))).toEqual([]);
  expect(issuesOf(service("3"))).toEqual(["metadata.annotations[weft.dev/proxy-protocol]: must be v1 or v2"]);
});
