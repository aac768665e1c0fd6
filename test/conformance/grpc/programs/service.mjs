// The services of interop.proto as grpc-js knows them.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const file = fileURLToPath(new URL("interop.proto", import.meta.url));
const definition = protoLoader.loadSync(file, { keepCase: true, defaults: true });

export const { TestService, UnimplementedService } = grpc.loadPackageDefinition(definition).grpc.testing;

export const initialKey = "x-grpc-test-echo-initial";
export const trailingKey = "x-grpc-test-echo-trailing-bin";

export function payload(size) {
  return { body: Buffer.alloc(size) };
}
