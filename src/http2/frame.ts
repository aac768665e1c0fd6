/** The constants of HTTP/2 framing (RFC 9113, sections 4 and 6). */

export const frameTypes = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  reset: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

export const frameFlags = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const frameHeaderBytes = 9;
/** The smallest SETTINGS_MAX_FRAME_SIZE, its default, and what this implementation accepts. */
export const defaultFrameBytes = 16_384;
export const largestFrameBytes = 16_777_215;
export const largestStreamId = 0x7fff_ffff;
export const largestWindowBytes = 0x7fff_ffff;
/** Windows begin at this size whatever was configured (RFC 9113, section 6.9.2). */
export const defaultWindowBytes = 65_535;

export const clientPreface: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
