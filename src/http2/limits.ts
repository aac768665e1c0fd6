/** Every bound of an HTTP/2 session, with its reason and what happens at it. */

export interface Http2Limits {
  /** Streams that a peer may have open; the next is answered REFUSED_STREAM, which tells it to retry elsewhere. */
  readonly maxConcurrentStreams: number;
  /** What one stream may have received and not yet consumed. A peer that sends more gets FLOW_CONTROL_ERROR. */
  readonly streamWindowBytes: number;
  /** The same for all streams of a connection together: the memory that a connection can hold of what it received. */
  readonly connectionWindowBytes: number;
  /** Unfolded size of one header list. Larger requests are answered 431, larger responses and trailers reset. */
  readonly maxHeaderListBytes: number;
  /** Compressed size of one header block over all its frames. More ends the connection. */
  readonly maxHeaderBlockBytes: number;
  /** More ends the connection (CONTINUATION flood). */
  readonly maxContinuations: number;
  /** Above this a stream's `write` returns false. One more write is still taken: the caller's chunk bounds it. */
  readonly sendQueueBytes: number;
  /**
   * A stream whose data has waited this long without a byte sent, because the peer gives no window, is reset (CANCEL);
   * at the latest after twice as long.
   */
  readonly sendStallTimeoutMs: number;
  /** Streams that a peer may waste: resets by it, and resets that its faults provoke from us. Then the connection ends. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** Frames that cause work but carry none (PING, SETTINGS, WINDOW_UPDATE, PRIORITY, empty DATA, unknown types). */
  readonly controlBurst: number;
  readonly controlsPerSecond: number;
  /** Answers to such frames that may wait while the peer does not read. More ends the connection. */
  readonly maxControlBacklogBytes: number;
  /** How long a peer may take to send the preface, and to acknowledge our SETTINGS. */
  readonly settingsTimeoutMs: number;
  /** How long a frame other than DATA, or a header block over all its frames, may take from its first byte to its last. */
  readonly frameTimeoutMs: number;
  /** How long a drain waits for the PING that separates the two GOAWAYs. */
  readonly drainPingTimeoutMs: number;
}

export const defaultHttp2Limits: Http2Limits = {
  maxConcurrentStreams: 100, // what RFC 9113 section 5.1.2 recommends as the least, and what most servers take
  // 2 Gbit/s at a round trip of 1 ms; on loopback one stream carries as much as with 4 MiB (500 MB/s, bound by the CPU).
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024, // sixteen stalled streams do not yet stop the others
  maxHeaderListBytes: 64 * 1024, // the most that common servers take (8 to 64 KiB)
  maxHeaderBlockBytes: 64 * 1024, // a block is never larger than its list, save for padding by odd encodings
  maxContinuations: 16, // four times what 64 KiB need at the smallest legal maximum frame size
  sendQueueBytes: 64 * 1024, // four frames: enough that the connection never waits for the producer
  sendStallTimeoutMs: 60_000, // nginx's send_timeout; a reader that is merely slow sends a WINDOW_UPDATE within it
  resetBurst: 1000, // nghttp2's figures for rapid reset; clients with deadlines do cancel in bursts
  resetsPerSecond: 33,
  controlBurst: 2000, // gRPC peers ping for every bandwidth estimate; real work refunds the budget besides
  controlsPerSecond: 200,
  maxControlBacklogBytes: 64 * 1024, // 3,800 PING answers
  settingsTimeoutMs: 10_000,
  frameTimeoutMs: 10_000, // what HTTP/1.1 heads get; found at the latest after twice as long
  drainPingTimeoutMs: 5_000, // longer than any round trip, also with a peer that gets too little time to answer
};
