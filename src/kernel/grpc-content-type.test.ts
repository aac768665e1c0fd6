/** Which media types are gRPC's. */
import { expect, test } from "bun:test";
import { isGrpcContentType } from "./grpc-content-type.ts";

test.each([
  ...["application/grpc", "application/grpc+proto", "application/grpc+json", "application/grpc+"],
  ...["application/grpc;charset=utf-8", "application/grpc ; a=b", "application/grpc+proto;a=b"],
  ...["Application/gRPC", "APPLICATION/GRPC+PROTO", "application/grpc "],
])("%p is gRPC", (value) => {
  expect(isGrpcContentType(value)).toBe(true);
});

test.each([
  ...[
    "",
    "application/grp",
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
  ],
  ...["application/grpcx", "application/grpc/proto", "application/grpc,", "application/grpc proto"],
  ...["text/plain", "application/json", " application/grpc"],
])("%p is not", (value) => {
  expect(isGrpcContentType(value)).toBe(false);
});
