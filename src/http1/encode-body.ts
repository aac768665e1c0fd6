/** Chunked framing for bodies that are forwarded: RFC 9112 7.1. */
import type { ByteWriter } from "../kernel/index.ts";

/** After a chunk's data. */
export const chunkEnd: Uint8Array = Buffer.from("\r\n", "latin1");
const lastChunkStart = Buffer.from("0\r\n", "latin1");

/** The size line only: write the data and `chunkEnd` after it, so that large data is not copied here. */
export function encodeChunkHead(out: ByteWriter, byteLength: number): void {
  out.hex(byteLength);
  out.append(chunkEnd);
}

/** One whole chunk; nothing for empty data, which would end the body. */
export function encodeChunk(out: ByteWriter, data: Uint8Array): void {
  if (data.length === 0) return;
  encodeChunkHead(out, data.length);
  out.append(data);
  out.append(chunkEnd);
}

/** The end of the body, with trailer lines as `onTrailers` gave them. */
export function encodeLastChunk(out: ByteWriter, trailerLines?: Uint8Array): void {
  out.append(lastChunkStart);
  if (trailerLines !== undefined) out.append(trailerLines);
  out.append(chunkEnd);
}
