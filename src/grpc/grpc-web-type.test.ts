/** gRPC-Web's media types. */
import { expect, test } from "bun:test";
import { grpcTypeOfWeb, grpcWebResponseForm, parseGrpcWebType, webTypeOfGrpc } from "./grpc-web-type.ts";

test.each([
  ["application/grpc-web", "binary", "application/grpc", "application/grpc-web"],
  ["application/grpc-web+proto", "binary", "application/grpc+proto", "application/grpc-web+proto"],
  ["Application/GRPC-Web+json", "binary", "application/grpc+json", "application/grpc-web+json"],
  ["application/grpc-web-text", "text", "application/grpc", "application/grpc-web-text"],
  ["application/grpc-web-text+proto", "text", "application/grpc+proto", "application/grpc-web-text+proto"],
  ["application/grpc-web-text-base64", "text", "application/grpc", "application/grpc-web-text"],
  ["application/grpc-web;a=b", "binary", "application/grpc;a=b", "application/grpc-web;a=b"],
  ["application/grpc-web ", "binary", "application/grpc", "application/grpc-web"],
] as const)("%p is %s, %p to the server and %p on the way back", (value, form, grpc, back) => {
  const type = parseGrpcWebType(value);
  if (type === undefined) throw new Error("not read");
  expect(type.form).toBe(form);
  expect(grpcTypeOfWeb(type)).toBe(grpc);
  expect(webTypeOfGrpc(grpc, type.form)).toBe(back);
});

test.each([
  ...["", "application/grpc", "application/grpc+proto", "application/grpc-webx", "application/grpc-web-tex"],
  ...["application/grpc-web-text2", "application/grpc-web/proto", "text/plain", "application/grpc-web,"],
])("%p is not gRPC-Web", (value) => {
  expect(parseGrpcWebType(value)).toBeUndefined();
});

test("a response of another type stays what it is", () => {
  expect(webTypeOfGrpc("text/html", "binary")).toBeUndefined();
  expect(webTypeOfGrpc("application/grpc-web+proto", "binary")).toBeUndefined();
});

test.each([
  [undefined, "text"],
  ["*/*", "text"],
  ["application/json", "text"],
  ["application/grpc-web-text", "text"],
  ["application/grpc-web+proto", "binary"],
  ["text/html, application/grpc-web , */*", "binary"],
  ["application/grpc-web-text+proto;q=1, application/grpc-web", "text"],
] as const)("accept %p of a text request asks for %s", (accept, form) => {
  expect(grpcWebResponseForm({ form: "text", rest: "" }, accept)).toBe(form);
});
