/** All scenarios, in the order in which they are shown. */
import type { FigureName } from "../figures.ts";
import { authorizationDoors } from "../authorization-policies.ts";
import { direct } from "../peers/direct.ts";
import { envoy } from "../peers/envoy.ts";
import { envoyPair } from "../peers/envoy-pair.ts";
import { haproxy } from "../peers/haproxy.ts";
import { nghttpx } from "../peers/nghttpx.ts";
import { nginx } from "../peers/nginx.ts";
import { weft, weftUnderControl } from "../peers/weft-gateway.ts";
import { meshConfig, weftDoors } from "../peers/weft-doors.ts";
import { weftPair } from "../peers/weft-pair.ts";
import { telemetryCommon, telemetryDoors } from "../telemetry-settings.ts";
import { largeBodyBytes, largePath, smallBody } from "../upstreams/answer.ts";
import type { Load, Scenario } from "./scenario.ts";

const latencies: readonly FigureName[] = ["p50Ms", "p99Ms", "p999Ms"];
const memories: readonly FigureName[] = ["rssMb", "privateMb"];
const requestColumns: readonly FigureName[] = [
  "cpuUsPerRequest",
  "requestsPerSecond",
  ...latencies,
  ...memories,
];
const doorColumns: readonly FigureName[] = [
  "cpuUsPerRequest",
  "addedCpuUs",
  "cpuRatioPlain",
  "requestsPerSecond",
  ...latencies,
];
const small: Load = { kind: "wrk", path: "/", minResponseBytes: smallBody.length };

const common = {
  unit: "request",
  headline: "cpuUsPerRequest",
  columns: requestColumns,
  upstream: "http1",
  load: small,
  connections: 32,
  headers: 1,
  routes: [1],
  policies: [0],
  isFresh: false,
} as const;

const http1: Scenario = {
  ...common,
  name: "http1",
  summary: "HTTP/1.1, keep-alive, 36-byte body",
  work: "http1",
  peers: [weft, nginx, haproxy, envoy],
};

const http1Pair: Scenario = {
  ...common,
  name: "http1-mtls-pair",
  summary:
    "HTTP/1.1 through two proxies with mutual TLS 1.3 between them, identities checked; both proxies' CPU",
  work: "http1-mtls-pair",
  peers: [weftPair, envoyPair("http1"), envoyPair("http2")],
};

const http2: Scenario = {
  ...common,
  name: "http2",
  summary: "HTTP/2 without TLS on both sides, 32 streams on each connection, 36-byte body",
  work: "http2",
  upstream: "http2",
  load: { kind: "h2load", streams: 32, isGrpc: false },
  connections: 4,
  peers: [weft, nghttpx, haproxy, envoy],
};

const latency: Scenario = {
  ...common,
  name: "latency-2000rps",
  summary:
    "what one proxy adds to the latency of 2,000 requests a second, against the same load without a proxy",
  headline: "addedP99Ms",
  columns: ["addedP50Ms", "addedP99Ms", ...latencies, "cpuUsPerRequest"],
  work: "http1",
  load: { kind: "rate", requestsPerSecond: 2000 },
  connections: 20,
  peers: [direct, weft, nginx, haproxy, envoy],
};

export const scenarios: readonly Scenario[] = [
  http1,
  { ...http1, name: "http1-15-headers", summary: `${http1.summary}, 15 request headers`, headers: 15 },
  { ...http1, name: "http1-512-connections", summary: `${http1.summary}, 512 connections`, connections: 512 },
  {
    ...http1,
    name: "http1-close",
    summary: "HTTP/1.1, a new connection for each request, 36-byte body",
    load: { ...small, isClosing: true },
  },
  {
    ...http1,
    name: "http1-1mb",
    summary: "HTTP/1.1, keep-alive, 1 MiB body",
    load: { kind: "wrk", path: largePath, minResponseBytes: largeBodyBytes },
  },
  {
    ...http1,
    name: "http1-tls",
    summary: "HTTP/1.1 over TLS 1.3 from clients, keep-alive, 36-byte body",
    work: "http1-tls",
    load: { ...small, isTls: true },
  },
  {
    ...http1,
    name: "tls-handshakes",
    summary: "a full TLS 1.3 handshake (ECDSA P-256) and one request for each connection",
    unit: "handshake",
    headline: "cpuUsPerHandshake",
    columns: ["cpuUsPerHandshake", "handshakesPerSecond", ...latencies, ...memories],
    work: "http1-tls",
    load: { kind: "handshakes" },
  },
  http1Pair,
  {
    ...http1Pair,
    name: "http1-mtls-pair-15-headers",
    summary: `${http1Pair.summary}; 15 request headers`,
    headers: 15,
  },
  {
    ...http1Pair,
    name: "http1-mtls-pair-512-connections",
    summary: `${http1Pair.summary}; 512 connections`,
    connections: 512,
  },
  http2,
  { ...http2, name: "http2-15-headers", summary: `${http2.summary}, 15 request headers`, headers: 15 },
  {
    ...http2,
    name: "grpc-unary",
    summary: "unary gRPC calls without TLS, 32 streams on each connection, 36-byte messages",
    work: "grpc",
    upstream: "grpc",
    load: { kind: "h2load", streams: 32, isGrpc: true },
    peers: [weft, nghttpx, haproxy, nginx, envoy],
  },
  {
    ...http2,
    name: "grpc-stream",
    summary: "36-byte messages there and back on long gRPC streams without TLS, 8 streams on each connection",
    unit: "message",
    headline: "cpuUsPerMessage",
    columns: ["cpuUsPerMessage", "messagesPerSecond", ...latencies, ...memories],
    work: "grpc",
    upstream: "messages",
    load: { kind: "messages", streams: 8 },
    peers: [weft, nghttpx, haproxy, nginx, envoy],
  },
  {
    ...common,
    name: "tcp",
    summary: "bulk bytes from the upstream through a TCP relay",
    unit: "MB",
    headline: "mbPerCpuSecond",
    columns: ["mbPerCpuSecond", "mbPerSecond", ...memories],
    work: "tcp",
    upstream: "bytes",
    load: { kind: "bytes" },
    connections: 4,
    peers: [weft, haproxy, envoy],
  },
  {
    ...common,
    name: "tcp-mtls-pair",
    summary:
      "bulk bytes from the upstream through two TCP relays with mutual TLS 1.3 between them; both relays' CPU",
    unit: "MB",
    headline: "mbPerCpuSecond",
    columns: ["mbPerCpuSecond", "mbPerSecond", ...memories],
    work: "tcp-mtls-pair",
    upstream: "bytes",
    load: { kind: "bytes" },
    connections: 4,
    peers: [weftPair, envoyPair("http1")],
  },
  latency,
  {
    ...latency,
    name: "latency-2000rps-pair",
    summary: "the same through two proxies with mutual TLS 1.3 between them",
    work: "http1-mtls-pair",
    peers: [direct, weftPair, envoyPair("http1"), envoyPair("http2")],
  },
  {
    ...http1,
    name: "idle-10k",
    summary: "10,000 connections that have each had one answer and now do nothing",
    unit: "connection",
    headline: "rssMb",
    columns: ["rssMb", "privateMb", "kbPerConnection", "cpuMsPerSecond", "idleRssMb"],
    load: { kind: "idle" },
    connections: 10_000,
    isFresh: true,
    peers: [weft, weftUnderControl, nginx, haproxy, envoy],
  },
  {
    ...http1,
    name: "routes-5000",
    summary: "5,000 routes (500 hosts with 10 paths each), asked for in turn, against 1 route",
    columns: [
      "cpuUsPerRequest",
      "cpuUsPerRequestOneRoute",
      "cpuRatio",
      "rssMb",
      "rssMbOneRoute",
      "privateMb",
    ],
    work: "routes",
    routes: [1, 5000],
    peers: [weft, weftUnderControl, nginx, haproxy, envoy],
  },
  {
    ...http1,
    name: "policies",
    summary:
      "one route without a policy, beside 250 others without any and beside 250 others with 1,000 TrafficPolicies and FaultPolicies",
    columns: [
      "cpuUsPerRequest",
      "cpuUsPerRequestNoPolicy",
      "cpuRatioNoPolicy",
      "rssMb",
      "rssMbNoPolicy",
      "privateMb",
    ],
    work: "policies",
    policies: [0, 1000],
    peers: [weftUnderControl],
  },
  {
    ...http1,
    name: "authorization",
    summary:
      "a route without an AuthorizationPolicy, and one beside it with ten of a thousand that are asked about each request",
    columns: doorColumns,
    peers: weftDoors(authorizationDoors, () => Promise.resolve([meshConfig({})])),
  },
  {
    ...http1,
    name: "telemetry",
    summary:
      "a route with all golden signals, and one beside it that adds a log line in JSON for each request and sends 1 % of traces away",
    columns: doorColumns,
    peers: weftDoors(telemetryDoors, telemetryCommon),
  },
  {
    ...http1,
    name: "stall",
    summary:
      "2,000 requests a second while metrics are scraped each second and 5,000 routes are applied: the longest answer bounds the longest stall",
    headline: "maxMs",
    columns: ["maxMs", ...latencies, "scrapeMs", "applyMs", "cpuUsPerRequest", ...memories],
    work: "routes",
    load: { kind: "stall", requestsPerSecond: 2000, routes: 5000, minSeconds: 30 },
    connections: 20,
    isFresh: true,
    peers: [weft, weftUnderControl, envoy],
  },
];
