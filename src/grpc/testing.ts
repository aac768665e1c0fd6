/** For tests only: a service made at run time, so that this room's tests need no other room's messages. */
import { create, createFileRegistry, type DescMethod } from "@bufbuild/protobuf";
import {
  BytesValueSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";

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
