/**
 * The request's body on its way to an upstream, and the copy of its beginning that allows another try. Whoever is
 * connected gets bytes at once; what was received is remembered while it is little and no response has started.
 */
import type { ByteWriter } from "../../kernel/index.ts";
import { type BodyKind, chunkEnd, encodeChunkHead, encodeLastChunk } from "../../http1/index.ts";
import type { Connection } from "../../net/index.ts";

/** Larger bodies are not worth the memory: a request that has sent this much fails rather than being tried again. */
const maxReplayBytes = 65_536;

export class RequestBody {
  readonly #kind: BodyKind;
  readonly #scratch: ByteWriter;
  byteLength = 0;
  /** The client has sent all of it. */
  isEnded = false;
  /** Everything received so far could be sent once more. */
  isReplayable = true;
  #kept: Uint8Array[] | undefined;
  #keptBytes = 0;
  #trailers: Uint8Array | undefined;

  constructor(kind: BodyKind, scratch: ByteWriter) {
    this.#kind = kind;
    this.#scratch = scratch;
  }

  /** False: stop reading from the client. Without a connection it always is: the chunk waits for one. */
  push(chunk: Uint8Array, connection: Connection | undefined): boolean {
    this.byteLength += chunk.length;
    if (connection === undefined || (this.isReplayable && this.#keptBytes + chunk.length <= maxReplayBytes)) {
      this.#kept ??= [];
      this.#kept.push(chunk);
      this.#keptBytes += chunk.length;
    } else {
      this.forget();
    }
    return connection !== undefined && this.#write(connection, chunk);
  }

  setTrailers(lines: Uint8Array): void {
    this.#trailers = lines.slice();
  }

  /** Everything received so far, to a fresh connection. False: it took it, but stop reading from the client. */
  sendKept(connection: Connection): boolean {
    let hasRoom = true;
    if (this.#kept !== undefined) {
      for (const chunk of this.#kept) hasRoom = this.#write(connection, chunk);
      if (this.#keptBytes > maxReplayBytes) this.forget();
    }
    return hasRoom;
  }

  /** The last byte: after this the upstream may be reused. */
  sendEnd(connection: Connection): void {
    if (this.#kind !== "chunked") return;
    const scratch = this.#scratch;
    scratch.clear();
    encodeLastChunk(scratch, this.#trailers);
    connection.write(scratch.view());
  }

  /** No other try will be made. */
  forget(): void {
    this.isReplayable = false;
    this.#kept = undefined;
  }

  #write(connection: Connection, chunk: Uint8Array): boolean {
    if (this.#kind !== "chunked") return connection.write(chunk);
    return writeChunk(connection, chunk, this.#scratch);
  }
}

/** One chunk of the chunked coding; the data itself is not copied into the scratch. */
export function writeChunk(connection: Connection, chunk: Uint8Array, scratch: ByteWriter): boolean {
  if (chunk.length === 0) return true;
  scratch.clear();
  encodeChunkHead(scratch, chunk.length);
  connection.write(scratch.view());
  connection.write(chunk);
  return connection.write(chunkEnd);
}
