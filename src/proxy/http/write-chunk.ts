/** One chunk of HTTP/1.1's chunked coding into a connection. */
import { chunkEnd, encodeChunkHead } from "../../http1/index.ts";
import type { ByteWriter } from "../../kernel/index.ts";
import type { Connection } from "../../net/index.ts";

/** The data itself is not copied into the scratch. False: stop until the connection drains. */
export function writeChunk(connection: Connection, chunk: Uint8Array, scratch: ByteWriter): boolean {
  if (chunk.length === 0) return true;
  scratch.clear();
  encodeChunkHead(scratch, chunk.length);
  connection.write(scratch.view());
  connection.give(chunk);
  return connection.write(chunkEnd);
}
