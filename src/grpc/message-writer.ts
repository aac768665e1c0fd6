/** Puts the length prefix before a message that is given in parts, so that parts can be shared between streams. */
import type { Http2Stream } from "../http2/index.ts";
import { messagePrefixBytes } from "./message-reader.ts";

/** Up to one frame it is cheaper to copy than to send in pieces. */
const copyUpToBytes = 16 * 1024;

/** Returns the stream's word on back-pressure. */
export function writeMessage(stream: Http2Stream, parts: readonly Uint8Array[]): boolean {
  let length = 0;
  for (const part of parts) length += part.length;
  const isSmall = length <= copyUpToBytes;
  const head = new Uint8Array(messagePrefixBytes + (isSmall ? length : 0));
  new DataView(head.buffer).setUint32(1, length);
  if (!isSmall) {
    let isWritable = stream.write(head);
    for (const part of parts) isWritable = stream.write(part);
    return isWritable;
  }
  let at = messagePrefixBytes;
  for (const part of parts) {
    head.set(part, at);
    at += part.length;
  }
  return stream.write(head);
}
