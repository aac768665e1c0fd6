/** The service that message-server answers and message-load calls: made at run time, it needs no generated code. */
import { create, createFileRegistry, type DescMethod } from "@bufbuild/protobuf";
import {
  BytesValueSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";

const bytes = ".google.protobuf.BytesValue";
const files = create(FileDescriptorSetSchema, {
  file: [
    file_google_protobuf_wrappers.proto,
    {
      name: "bench.proto",
      package: "bench",
      syntax: "proto3",
      dependency: ["google/protobuf/wrappers.proto"],
      service: [
        {
          name: "Echo",
          method: [
            {
              name: "Stream",
              inputType: bytes,
              outputType: bytes,
              clientStreaming: true,
              serverStreaming: true,
            },
          ],
        },
      ],
    },
  ],
});

function described(): DescMethod {
  const found = createFileRegistry(files).getService("bench.Echo")?.methods[0];
  if (found === undefined) throw new Error("the bench's service is not there");
  return found;
}

export const echoStream = {
  ...described(),
  methodKind: "bidi_streaming",
  input: BytesValueSchema,
  output: BytesValueSchema,
} as const;
