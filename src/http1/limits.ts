/** Bounds of one HTTP/1 message. All are checked before memory is taken. */
export interface Http1Limits {
  /** Start line and field lines together, in bytes. */
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  /** The request target, in bytes. */
  readonly maxTargetBytes: number;
  /** Chunk extensions of one message together, in bytes. They mean nothing to anybody, so little is enough. */
  readonly maxChunkExtensionBytes: number;
  /** The trailer section, in bytes. */
  readonly maxTrailerBytes: number;
}

export const defaultHttp1Limits: Http1Limits = {
  maxHeadBytes: 64 * 1024,
  maxHeaders: 128,
  maxTargetBytes: 16 * 1024,
  maxChunkExtensionBytes: 4 * 1024,
  maxTrailerBytes: 8 * 1024,
};
