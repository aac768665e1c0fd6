/** Puts the length prefix before a message that is given in parts, so that parts can be shared between streams. */
import type { Http2Stream } from "../http2/index.ts";
import { messagePrefixBytes } from "./message-reader.ts";

/** Up to one frame it is cheaper to copy than to send in pieces: each piece is a frame of its own, here and at the peer. */
const gatherBytes = 16 * 1024 - 1;

/** Returns the stream's word on back-pressure. */
export function writeMessage(stream: Pick<Http2Stream, "write">, parts: readonly Uint8Array[]): boolean {
  let length = 0;
  for (const part of parts) length += part.length;
  let left = messagePrefixBytes + length;
  let gathered = new Uint8Array(Math.min(left, gatherBytes));
  let at = messagePrefixBytes;
  // Without a DataView, for which the array would first be given a buffer of its own.
  gathered[1] = length >>> 24;
  gathered[2] = length >>> 16;
  gathered[3] = length >>> 8;
  gathered[4] = length;
  let isWritable = true;
  // What is handed over is the stream's from then on.
  const hand = (bytes: Uint8Array): void => {
    isWritable = stream.write(bytes);
    left -= bytes.length;
  };
  for (const part of parts) {
    if (at > 0 && at + part.length > gathered.length) {
      hand(at === gathered.length ? gathered : gathered.subarray(0, at));
      gathered = new Uint8Array(Math.min(left, gatherBytes));
      at = 0;
    }
    if (part.length > gathered.length) {
      hand(part);
      gathered = new Uint8Array(Math.min(left, gatherBytes));
    } else {
      gathered.set(part, at);
      at += part.length;
    }
  }
  if (at > 0) hand(at === gathered.length ? gathered : gathered.subarray(0, at));
  return isWritable;
}
