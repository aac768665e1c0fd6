/**
 * For tests only: a service made at run time, so that this room's tests need no other room's messages, and servers and
 * clients that are all closed together.
 */
import { create, createFileRegistry, type DescMethod } from "@bufbuild/protobuf";
import {
  BytesValueSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { silentLog, WeftError } from "../kernel/index.ts";
import type { BidiStream } from "./bidi-stream.ts";
import { GrpcClient, type GrpcClientOptions } from "./client.ts";
import type { MethodRegistration } from "./method.ts";
import { type GrpcServer, type GrpcServerOptions, serveGrpc } from "./server.ts";

const set = create(FileDescriptorSetSchema, {
  file: [
    file_google_protobuf_wrappers.proto,
    {
      name: "test.proto",
      package: "weft.test",
      syntax: "proto3",
      dependency: ["google/protobuf/wrappers.proto"],
      service: [
        {
          name: "Test",
          method: [
            {
              name: "Greet",
              inputType: ".google.protobuf.StringValue",
              outputType: ".google.protobuf.StringValue",
            },
            {
              name: "Chat",
              inputType: ".google.protobuf.BytesValue",
              outputType: ".google.protobuf.BytesValue",
              clientStreaming: true,
              serverStreaming: true,
            },
            {
              name: "Missing",
              inputType: ".google.protobuf.StringValue",
              outputType: ".google.protobuf.StringValue",
            },
          ],
        },
      ],
    },
  ],
});

function method(index: number): DescMethod {
  const found = createFileRegistry(set).getService("weft.test.Test")?.methods[index];
  if (found === undefined) throw new Error("the test service is not there");
  return found;
}

const unary = { methodKind: "unary", input: StringValueSchema, output: StringValueSchema } as const;
export const greet = { ...method(0), ...unary };
export const chat = {
  ...method(1),
  methodKind: "bidi_streaming",
  input: BytesValueSchema,
  output: BytesValueSchema,
} as const;
export const missing = { ...method(2), ...unary };

export type Chat = BidiStream<{ value: Uint8Array }, { value: Uint8Array }>;

export class Fixtures {
  readonly #opened: { close(): void }[] = [];

  start(methods: readonly MethodRegistration[], options: Partial<GrpcServerOptions> = {}): GrpcServer {
    const server = serveGrpc({ listen: { port: 0 }, services: [methods], log: silentLog, ...options });
    this.#opened.push(server);
    return server;
  }

  clientOf(server: { readonly port: number }, options: Partial<GrpcClientOptions> = {}): GrpcClient {
    const client = new GrpcClient({ address: "127.0.0.1", port: server.port, ...options });
    this.#opened.push(client);
    return client;
  }

  close(): void {
    for (const one of this.#opened.splice(0)) one.close();
  }
}

/** The status' number and the message of a call that must fail. */
export async function failure(promise: Promise<unknown>): Promise<[number, string]> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WeftError)) throw new Error("no WeftError", { cause: error });
  return [Number(error.fields["grpcStatus"]), error.message];
}
