/** Collects the one message of a unary response. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type CallReceiver, parseMessage } from "./bidi-stream.ts";
import type { GrpcStatus } from "./status.ts";

export class UnaryReceiver<O extends DescMessage> implements CallReceiver {
  readonly #schema: O;
  readonly #resolve: (message: MessageShape<O>) => void;
  readonly #reject: (status: GrpcStatus) => void;
  #bytes: Uint8Array | undefined = undefined;
  #count = 0;

  constructor(schema: O, resolve: (message: MessageShape<O>) => void, reject: (status: GrpcStatus) => void) {
    this.#schema = schema;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  receive(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#count++;
  }

  receiveEnd(): void {}

  drained(): void {}

  closed(status: GrpcStatus): void {
    if (status.code !== "ok") return this.#reject(status);
    if (this.#bytes === undefined || this.#count !== 1) {
      return this.#reject({ code: "unimplemented", message: `${this.#count} messages in a unary response` });
    }
    const message = parseMessage(this.#schema, this.#bytes);
    if (message !== undefined) this.#resolve(message);
    else this.#reject({ code: "internal", message: `the response is not a ${this.#schema.typeName}` });
  }
}
