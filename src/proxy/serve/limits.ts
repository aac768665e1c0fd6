/**
 * What one peer, request or connection may cost this proxy: what the operator set (`MeshConfig.spec.limits`), or else the
 * defaults, and what follows from it for the codecs. `docs/reference/limits.md` is checked against this file.
 */
import type { Http1Limits } from "../../http1/index.ts";
import type { Http2Limits } from "../../http2/index.ts";
import type { Limits } from "../../model/index.ts";

/** As MeshConfig names them. */
export interface OperatorLimits {
  /** First line and fields together. Common servers take 8 to 64 KiB; cookies and tokens fill that at times. */
  readonly maxHeaderBytes: number;
  /** Browsers send 20, proxies in front some more. Each costs time in matching, so the bound on bytes is not enough. */
  readonly maxHeaders: number;
  /** Twice what browsers and search engines let through. */
  readonly maxUriBytes: number;
  /** Of one body in one direction. A bare minimum over what a read brings, so that 1,000 stalled bodies are 64 MB. */
  readonly maxBufferedBodyBytes: number;
  /** Of one listener. At 20 KB each with TLS: 320 MB. */
  readonly maxConnections: number;
  /** Of one HTTP/2 connection: what RFC 9113 section 5.1.2 recommends as the least. */
  readonly maxConcurrentStreams: number;
  /** From a head's first byte to its end, however it trickles in. Longer is an attack or a broken client. */
  readonly headerTimeoutMs: number;
  /** Longer than any pool of the mesh keeps a connection idle (60 s), so that the side which sends is the one that closes. */
  readonly idleTimeoutMs: number;
  /** Uploads pause while people switch networks; five minutes without a byte is nobody's network. */
  readonly bodyIdleTimeoutMs: number;
  /** 0: none. Databases keep connections for hours, but with keep-alives of their own. */
  readonly tcpIdleTimeoutMs: number;
  /** Of one listener. Each costs 0.5 ms of CPU: half a second of work ahead; more would only time out in the queue. */
  readonly maxHandshakes: number;
  /** Two round trips; ten seconds cover a lost packet or two on a bad link. */
  readonly handshakeTimeoutMs: number;
  /** 0: none. Only of use where a load balancer in front must see connections turn over. */
  readonly maxRequestsPerConnection: number;
}

export interface ServeLimits extends OperatorLimits {
  readonly http1: Http1Limits;
  readonly http2: Partial<Http2Limits>;
  /** Of one connection: above it whoever writes to it is told to pause. As large as an HTTP/2 stream's window. */
  readonly highWaterBytes: number;
}

/** The same as in the declaration of MeshConfig: for a last good file that is older than limits, and before the first commit. */
export const defaultLimits: OperatorLimits = {
  maxHeaderBytes: 65_536,
  maxHeaders: 128,
  maxUriBytes: 16_384,
  maxBufferedBodyBytes: 65_536,
  maxConnections: 16_384,
  maxConcurrentStreams: 100,
  headerTimeoutMs: 15_000,
  idleTimeoutMs: 300_000,
  bodyIdleTimeoutMs: 300_000,
  tcpIdleTimeoutMs: 3_600_000,
  maxHandshakes: 1_024,
  handshakeTimeoutMs: 10_000,
  maxRequestsPerConnection: 0,
};

/** Bounds that no operator needs to move. */
export const fixedLimits = {
  /** Chunk extensions of one message. They mean nothing to anybody, so little is enough. */
  maxChunkExtensionBytes: 4_096,
  maxTrailerBytes: 8_192,
  /** What is read and thrown away of a body after an early answer, rather than closing under the client's writes. */
  maxDiscardedBytes: 262_144,
  /** Pipelined requests that wait for the one before; about a hundred of them. */
  maxPipelinedBytes: 65_536,
  /** Clients of one UDP listener. Each has a socket of its own. */
  maxUdpSessions: 8_192,
  /** As common NAT tables have it for UDP, and Envoy. */
  udpIdleTimeoutMs: 60_000,
  /** Copies under way to mirrors: as many as requests may wait for one endpoint. */
  maxMirroredRequests: 1_024,
  /** Bodies of requests that are kept for other tries, of all requests of the proxy together: a thousand of them at the default. */
  maxReplayBytes: 67_108_864,
} as const;

/** Each has a counter: `weft_limit_reached_total{limit="max_headers"}`, the name in lower case with underscores. */
export const limitNames = [
  "maxHeaderBytes",
  "maxHeaders",
  "maxUriBytes",
  "maxBufferedBodyBytes",
  "maxConnections",
  "maxConcurrentStreams",
  "headerTimeout",
  "idleTimeout",
  "bodyIdleTimeout",
  "tcpIdleTimeout",
  "maxHandshakes",
  "handshakeTimeout",
  "maxRequestsPerConnection",
  "maxChunkExtensionBytes",
  "maxTrailerBytes",
  "maxDiscardedBytes",
  "maxPipelinedBytes",
  "maxMirroredRequests",
  "maxReplayBytes",
  "writeStallTimeout",
  "http2Abuse",
  "http2SettingsTimeout",
  "maxUdpSessions",
] as const;

export type LimitName = (typeof limitNames)[number];

export function limitLabel(name: LimitName): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What the codec calls its bounds. */
export const http1LimitNames: Readonly<Record<keyof Http1Limits, LimitName>> = {
  maxHeadBytes: "maxHeaderBytes",
  maxHeaders: "maxHeaders",
  maxTargetBytes: "maxUriBytes",
  maxChunkExtensionBytes: "maxChunkExtensionBytes",
  maxTrailerBytes: "maxTrailerBytes",
};

/** The limits of the newest configuration; what follows from it is worked out once. */
export class CurrentLimits {
  readonly #read: () => Limits | undefined;
  #from: Limits | undefined = undefined;
  #limits: ServeLimits = withCodecs(defaultLimits);

  /** `read`: the same object as long as nothing changed. */
  constructor(read: () => Limits | undefined) {
    this.#read = read;
  }

  get(): ServeLimits {
    const from = this.#read();
    if (from !== this.#from) {
      this.#from = from;
      this.#limits = withCodecs(from === undefined ? defaultLimits : orDefaults(from));
    }
    return this.#limits;
  }
}

/** A control plane that is older than a limit says 0 for it, which must not mean that nothing gets through. */
function orDefaults(limits: Limits): OperatorLimits {
  const or = (name: keyof OperatorLimits): number => limits[name] || defaultLimits[name];
  return {
    maxHeaderBytes: or("maxHeaderBytes"),
    maxHeaders: or("maxHeaders"),
    maxUriBytes: or("maxUriBytes"),
    maxBufferedBodyBytes: or("maxBufferedBodyBytes"),
    maxConnections: or("maxConnections"),
    maxConcurrentStreams: or("maxConcurrentStreams"),
    headerTimeoutMs: or("headerTimeoutMs"),
    idleTimeoutMs: or("idleTimeoutMs"),
    bodyIdleTimeoutMs: or("bodyIdleTimeoutMs"),
    tcpIdleTimeoutMs: limits.tcpIdleTimeoutMs,
    maxHandshakes: or("maxHandshakes"),
    handshakeTimeoutMs: or("handshakeTimeoutMs"),
    maxRequestsPerConnection: limits.maxRequestsPerConnection,
  };
}

/** What one field costs beyond its bytes in HTTP/2's count (RFC 9113 section 6.5.2). */
const http2FieldOverheadBytes = 32;
/** The smallest legal maximum of a frame. */
const http2FrameBytes = 16_384;
/** Window over buffered body: 256 KiB at the default, which is 2 Gbit/s at a round trip of 1 ms. */
const windowFactor = 4;
const enoughWindowBytes = 262_144;
/** So many stalled streams do not yet stop the others of their connection, */
const windowsPerConnection = 16;
/** but a connection holds no more than this, or two windows where those are large. */
const enoughConnectionWindowBytes = 4_194_304;

function withCodecs(limits: OperatorLimits): ServeLimits {
  const { maxHeaderBytes, maxHeaders, maxBufferedBodyBytes } = limits;
  const { maxChunkExtensionBytes, maxTrailerBytes } = fixedLimits;
  // A head that one version of HTTP takes, the other takes too: on its way it may change between them.
  const maxHeaderListBytes = maxHeaderBytes + http2FieldOverheadBytes * maxHeaders;
  const streamWindowBytes = Math.max(
    http2FrameBytes,
    maxBufferedBodyBytes,
    Math.min(enoughWindowBytes, windowFactor * maxBufferedBodyBytes),
  );
  return {
    ...limits,
    highWaterBytes: streamWindowBytes,
    http1: {
      maxHeadBytes: maxHeaderBytes,
      maxHeaders,
      maxTargetBytes: limits.maxUriBytes,
      maxChunkExtensionBytes,
      maxTrailerBytes,
    },
    http2: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListBytes,
      maxHeaderBlockBytes: maxHeaderListBytes,
      maxContinuations: 4 * Math.ceil(maxHeaderListBytes / http2FrameBytes),
      streamWindowBytes,
      connectionWindowBytes: Math.min(
        windowsPerConnection * streamWindowBytes,
        Math.max(enoughConnectionWindowBytes, 2 * streamWindowBytes),
      ),
      sendQueueBytes: maxBufferedBodyBytes,
      sendStallTimeoutMs: limits.bodyIdleTimeoutMs,
      // The connection looks more often than its codec does, and says which limit it was.
      frameTimeoutMs: 2 * limits.headerTimeoutMs,
    },
  };
}
