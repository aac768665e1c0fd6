/** Which protocol a Service's port has. */
import { expect, test } from "bun:test";
import { Protocol } from "../model/index.ts";
import { protocolOf } from "./protocol.ts";

test.each([
  ["", "", Protocol.UNSPECIFIED],
  ["http", "", Protocol.HTTP],
  ["HTTP", "", Protocol.HTTP],
  ["kubernetes.io/ws", "", Protocol.HTTP],
  ["https", "", Protocol.TLS],
  ["tls", "", Protocol.TLS],
  ["kubernetes.io/wss", "", Protocol.TLS],
  ["kubernetes.io/h2c", "", Protocol.HTTP2],
  ["http2", "", Protocol.HTTP2],
  ["h2c", "", Protocol.HTTP2],
  ["grpc", "", Protocol.GRPC],
  ["kubernetes.io/grpc", "", Protocol.GRPC],
  ["grpc-web", "", Protocol.HTTP],
  ["tcp", "", Protocol.TCP],
  ["example.com/own", "http", Protocol.UNSPECIFIED],
  ["tcp", "http", Protocol.TCP],
  ["", "http", Protocol.HTTP],
  ["", "http-api", Protocol.HTTP],
  ["", "http2-api", Protocol.HTTP2],
  ["", "grpc-api", Protocol.GRPC],
  ["", "grpc-web-api", Protocol.HTTP],
  ["", "tls-a-b", Protocol.TLS],
  ["", "redis-main", Protocol.TCP],
  ["", "httpapi", Protocol.UNSPECIFIED],
  ["", "api-http", Protocol.UNSPECIFIED],
])("appProtocol %p and port name %p are %d", (appProtocol, name, protocol) => {
  expect(protocolOf({ appProtocol: appProtocol === "" ? undefined : appProtocol, name })).toBe(protocol);
});
