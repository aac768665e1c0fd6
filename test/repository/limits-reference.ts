/** The text of docs/reference/limits.md, from the declarations and constants that it describes. */
import { limitsSchema } from "../../src/api/limits.ts";
import { defaultHttp2Limits } from "../../src/http2/limits.ts";
import type { ReasonCode } from "../../src/kernel/index.ts";
import { defaultHighWaterBytes, defaultWriteStallTimeoutMs } from "../../src/net/connection-host.ts";
import { fixedLimits, type LimitName, limitLabel } from "../../src/proxy/serve/limits.ts";
import { markdownTable } from "./markdown-table.ts";

type OperatorLimit = keyof typeof limitsSchema.properties;

interface Behaviour {
  readonly behaviour: string;
  /** In the golden signals or in `weft_connections_refused_total`; empty: nothing was refused. */
  readonly reasons: readonly ReasonCode[];
}

/** In the order of the declaration. */
const operatorLimits: Readonly<Record<OperatorLimit, Behaviour>> = {
  maxHeaderBytes: {
    behaviour:
      "A request is answered with 431; over HTTP/1.1 the connection is closed, over HTTP/2 the others go on. " +
      "A response becomes 502. HTTP/2 counts 32 bytes more for each field, so its bound is higher by that.",
    reasons: ["headers_too_large", "upstream_malformed"],
  },
  maxHeaders: { behaviour: "The same.", reasons: ["headers_too_large", "upstream_malformed"] },
  maxUriBytes: {
    behaviour: "The request is answered with 414; over HTTP/1.1 the connection is closed.",
    reasons: ["uri_too_long"],
  },
  maxBufferedBodyBytes: {
    behaviour:
      "The sender is paused until the receiver reads, in both directions; nothing fails. Also the most that is kept of a " +
      "request's body for another try where no policy says `maxBodyBytes`: a longer one is not tried again. What a stream of HTTP/2 may send ahead, and what a " +
      `connection holds of what its receiver does not take, is four times this, up to ${defaultHighWaterBytes}, or this where it ` +
      "is more; one read (at most 512 KiB) may come on top.",
    reasons: [],
  },
  maxConnections: {
    behaviour: "A further connection is reset before anything is read. Those that are open go on.",
    reasons: ["overloaded"],
  },
  maxConcurrentStreams: {
    behaviour: "A further stream is reset with REFUSED_STREAM: the client may try it again elsewhere.",
    reasons: ["overloaded"],
  },
  headerTimeout: {
    behaviour:
      "From a head's first byte, however it trickles in. HTTP/1.1: 408 and close. HTTP/2's preface: close. HTTP/2's HEADERS " +
      "with CONTINUATION: GOAWAY and close. Also for what is left of a body behind an early answer: close.",
    reasons: ["client_timeout"],
  },
  idleTimeout: {
    behaviour:
      "A connection without a request, or that never said anything, is closed; over HTTP/2 by GOAWAY.",
    reasons: [],
  },
  bodyIdleTimeout: {
    behaviour:
      "A request whose body does not come is answered with 408, or broken off where the answer has begun; chunk framing " +
      "without content is no progress. A body over HTTP/2 that its receiver gives no window for is reset, at the latest after " +
      "twice this. Not tunnels, and " +
      "not gRPC calls of which something has come or gone: they may be watches.",
    reasons: ["client_timeout"],
  },
  tcpIdleTimeout: { behaviour: "The session is reset on both sides.", reasons: ["idle_timeout"] },
  maxHandshakes: {
    behaviour:
      "A further connection is reset. A look at the hello or at a PROXY header counts as a handshake.",
    reasons: ["overloaded"],
  },
  handshakeTimeout: {
    behaviour:
      "From the accepted connection to the verified handshake, PROXY header and hello included: reset. The preface of a hop " +
      "between proxies has the same time once more.",
    reasons: ["tls_handshake_failed", "proxy_protocol_malformed", "preface_malformed"],
  },
  maxRequestsPerConnection: {
    behaviour:
      "The last answer over HTTP/1.1 says `connection: close`; over HTTP/2 GOAWAY is sent in two steps, and what is under " +
      "way is answered.",
    reasons: [],
  },
};

type FixedLimit = Exclude<LimitName, OperatorLimit>;

const http2 = defaultHttp2Limits;

const fixed: Readonly<Record<FixedLimit, Behaviour & { readonly value: string }>> = {
  maxChunkExtensionBytes: {
    value: String(fixedLimits.maxChunkExtensionBytes),
    behaviour: "Chunk extensions of one message: 400 and close.",
    reasons: ["malformed_request", "upstream_malformed"],
  },
  maxTrailerBytes: {
    value: String(fixedLimits.maxTrailerBytes),
    behaviour: "The trailer section of a chunked message: 431 and close. Over HTTP/2 maxHeaderBytes holds.",
    reasons: ["headers_too_large", "upstream_malformed"],
  },
  maxDiscardedBytes: {
    value: String(fixedLimits.maxDiscardedBytes),
    behaviour:
      "What is read and thrown away of a body behind an early answer; then the connection is closed.",
    reasons: [],
  },
  maxPipelinedBytes: {
    value: String(fixedLimits.maxPipelinedBytes),
    behaviour:
      "Requests that wait for the one before over HTTP/1.1; then the connection is not read until it is answered.",
    reasons: [],
  },
  maxMirroredRequests: {
    value: String(fixedLimits.maxMirroredRequests),
    behaviour: "Copies of requests under way to mirrors: a further request goes on without its copy.",
    reasons: [],
  },
  maxReplayBytes: {
    value: String(fixedLimits.maxReplayBytes),
    behaviour:
      "Bodies of requests that are kept for other tries, of all requests of one proxy together: a request beyond goes on, " +
      "but is not tried again once its body has been sent.",
    reasons: [],
  },
  writeStallTimeout: {
    value: `${defaultWriteStallTimeoutMs / 1000}s`,
    behaviour: "A receiver that takes nothing while bytes wait for it: reset.",
    reasons: ["client_closed"],
  },
  http2Abuse: {
    value: `${http2.resetBurst} resets, ${http2.controlBurst} control frames, ${http2.maxControlBacklogBytes} bytes of unread answers`,
    behaviour:
      "Rapid reset, floods of frames that carry nothing or of CONTINUATION, answers that are asked for and not read: " +
      `GOAWAY with ENHANCE_YOUR_CALM and close. The budgets refill by ${http2.resetsPerSecond} and ${http2.controlsPerSecond} a second ` +
      "and with real work.",
    reasons: ["malformed_request"],
  },
  maxUdpSessions: {
    value: String(fixedLimits.maxUdpSessions),
    behaviour:
      "Clients of one UDP listener, by address and port; one that is silent for " +
      `${fixedLimits.udpIdleTimeoutMs / 1000} s is forgotten, and where the table is full, one that is silent for 5 s. ` +
      "A datagram of a further client is dropped.",
    reasons: [],
  },
  http2SettingsTimeout: {
    value: `${http2.settingsTimeoutMs / 1000}s`,
    behaviour: "The preface of HTTP/2 and the acknowledgement of our SETTINGS: GOAWAY and close.",
    reasons: ["malformed_request"],
  },
};

export function limitsReference(): string {
  const declared = Object.entries(limitsSchema.properties);
  const operatorRows = declared.map(([name, schema]) => {
    const { behaviour, reasons } = operatorLimits[asOperatorLimit(name)];
    const description = "description" in schema ? String(schema.description) : "";
    const value = "default" in schema ? String(schema.default) : "";
    return [
      `\`${name}\``,
      value,
      description,
      behaviour,
      `\`${limitLabel(asOperatorLimit(name))}\``,
      listed(reasons),
    ];
  });
  const fixedRows = Object.entries(fixed).map(([name, { value, behaviour, reasons }]) => [
    `\`${name}\``,
    value,
    behaviour,
    `\`${limitLabel(asFixedLimit(name))}\``,
    listed(reasons),
  ]);
  return [
    "# Limits",
    "",
    'What one peer, request or connection may cost a proxy. Each limit has a counter, `weft_limit_reached_total{limit="…"}`, and where',
    "something was refused for it, a reason in the golden signals or in `weft_connections_refused_total`.",
    "",
    "## Set in MeshConfig",
    "",
    "Fields of `spec.limits`. A change holds for new connections and heads at once; no listener is opened anew.",
    "",
    ...markdownTable(
      ["Field", "Default", "What it bounds", "What happens", "Counter", "Reasons"],
      operatorRows,
    ),
    "",
    "## Fixed",
    "",
    ...markdownTable(["Limit", "Value", "What happens", "Counter", "Reasons"], fixedRows),
    "",
    "This page is written from the code; `WEFT_UPDATE_GOLDEN=1 npm run test:repository` writes it anew.",
    "",
  ].join("\n");
}

function listed(reasons: readonly ReasonCode[]): string {
  return reasons.map((reason) => `\`${reason}\``).join(", ");
}

function asOperatorLimit(name: string): OperatorLimit {
  if (isOperatorLimit(name)) return name;
  throw new Error(`${name} is not described`);
}

function isOperatorLimit(name: string): name is OperatorLimit {
  return Object.hasOwn(operatorLimits, name);
}

function asFixedLimit(name: string): FixedLimit {
  if (isFixedLimit(name)) return name;
  throw new Error(`${name} is not described`);
}

function isFixedLimit(name: string): name is FixedLimit {
  return Object.hasOwn(fixed, name);
}
