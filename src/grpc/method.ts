/** Typed handlers bound to the methods of generated service descriptors. */
import {
  create,
  type DescMessage,
  type DescMethod,
  isMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { WeftError } from "../kernel/index.ts";
import {
  type BidiStream,
  type CallReceiver,
  CallStream,
  parseMessage,
  type ShortReader,
} from "./bidi-stream.ts";
import type { CallContext } from "./call-context.ts";
import type { ServerCall } from "./server-call.ts";

export interface UnaryMethod<I extends DescMessage, O extends DescMessage> extends DescMethod {
  readonly methodKind: "unary";
  readonly input: I;
  readonly output: O;
}

/** Any method that is not unary: one message on a side is only a short stream. */
export interface StreamingMethod<I extends DescMessage, O extends DescMessage> extends DescMethod {
  readonly methodKind: "server_streaming" | "client_streaming" | "bidi_streaming";
  readonly input: I;
  readonly output: O;
}

/** One method that a server answers. */
export interface MethodRegistration {
  readonly path: string;
  readonly isStreaming: boolean;
  /** Called once for each call; must not throw. */
  accept(call: ServerCall): CallReceiver;
}

export type ServiceRegistration = readonly MethodRegistration[];

export type UnaryHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Promise<MessageInitShape<O>> | MessageInitShape<O>;

export function implementUnary<I extends DescMessage, O extends DescMessage>(
  method: UnaryMethod<I, O>,
  handler: UnaryHandler<I, O>,
): MethodRegistration {
  return implementUnaryBytes(method, (bytes, context) => {
    const request = parseMessage(method.input, bytes);
    if (request === undefined) throw new WeftError("bad_input", `not a ${method.input.typeName}`);
    return handler(request, context);
  });
}

/** For a handler that reads the request itself. `request` is valid until the handler returns or first waits. */
export function implementUnaryBytes<I extends DescMessage, O extends DescMessage>(
  method: UnaryMethod<I, O>,
  handler: (request: Uint8Array, context: CallContext) => Promise<MessageInitShape<O>> | MessageInitShape<O>,
): MethodRegistration {
  return {
    path: methodPath(method),
    isStreaming: false,
    accept: (call) =>
      new UnaryCall(call, async (bytes) => {
        const response = await handler(bytes, call);
        return toBinary(method.output, toMessage(method.output, response));
      }),
  };
}

export function implementBidi<I extends DescMessage, O extends DescMessage>(
  method: StreamingMethod<I, O>,
  handler: (stream: BidiStream<MessageShape<I>, MessageShape<O>>, context: CallContext) => void,
  readShort?: ShortReader<MessageShape<I>>,
): MethodRegistration {
  return {
    path: methodPath(method),
    isStreaming: true,
    accept(call) {
      const stream = new CallStream(call, method.input, method.output, readShort);
      call.guard(() => handler(stream, call));
      return stream;
    },
  };
}

export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function toMessage<O extends DescMessage>(schema: O, value: MessageInitShape<O>): MessageShape<O> {
  return isMessage(value, schema) ? value : create(schema, value);
}

/** Collects the one request, answers with the one response. */
class UnaryCall implements CallReceiver {
  readonly #call: ServerCall;
  readonly #run: (request: Uint8Array) => Promise<Uint8Array>;
  #request: Uint8Array | undefined = undefined;

  constructor(call: ServerCall, run: (request: Uint8Array) => Promise<Uint8Array>) {
    this.#call = call;
    this.#run = run;
  }

  receive(bytes: Uint8Array): void {
    if (this.#request === undefined) this.#request = bytes;
    else this.#call.close({ code: "unimplemented", message: "more than one message in a unary call" });
  }

  receiveEnd(): void {
    if (this.#request === undefined) {
      return this.#call.close({ code: "unimplemented", message: "no message in a unary call" });
    }
    void this.#answer(this.#request);
  }

  drained(): void {}

  closed(): void {}

  async #answer(request: Uint8Array): Promise<void> {
    try {
      this.#call.sendParts([await this.#run(request)]);
      this.#call.close();
    } catch (error) {
      this.#call.fail(error);
    }
  }
}
