// gRPC's interoperability test service on grpc-js. Says `listening PORT` when it does; PORT=0 takes any free one. GZIP=1: answers
// are compressed.
import { randomUUID } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import { initialKey, payload, TestService, trailingKey } from "./service.mjs";

const serverId = randomUUID();

/** Sends the head with the caller's own metadata, and returns what belongs in the trailers. */
function echoMetadata(call) {
  const head = new grpc.Metadata();
  const trailer = new grpc.Metadata();
  for (const value of call.metadata.get(initialKey)) head.set(initialKey, value);
  for (const value of call.metadata.get(trailingKey)) trailer.set(trailingKey, value);
  call.sendMetadata(head);
  return trailer;
}

function failure({ code, message }, metadata) {
  return { code, details: message, metadata };
}

async function sendAll(call, { response_parameters: parameters }) {
  for (const { size, interval_us: intervalUs } of parameters) {
    if (intervalUs > 0) await after(intervalUs / 1000);
    if (call.cancelled || call.writableEnded) return;
    if (!call.write({ payload: payload(size) })) await new Promise((resolve) => call.once("drain", resolve));
  }
}

async function answerOne(call, request, trailer) {
  const { response_status: status } = request;
  if (status?.code > 0) call.emit("error", failure(status, trailer));
  else await sendAll(call, request);
}

const implementation = {
  EmptyCall: (_call, answer) => answer(null, {}),

  UnaryCall(call, answer) {
    const trailer = echoMetadata(call);
    const { response_status: status, response_size: size, fill_server_id: wantsId } = call.request;
    if (status?.code > 0) answer(failure(status, trailer));
    else answer(null, { payload: payload(size), server_id: wantsId ? serverId : "" }, trailer);
  },

  async StreamingOutputCall(call) {
    const trailer = echoMetadata(call);
    await sendAll(call, call.request);
    call.end(trailer);
  },

  StreamingInputCall(call, answer) {
    let size = 0;
    call.on("data", (request) => {
      size += request.payload?.body.length ?? 0;
    });
    call.on("end", () => answer(null, { aggregated_payload_size: size }));
  },

  FullDuplexCall(call) {
    const trailer = echoMetadata(call);
    // One after the other. Not `for await`: of a stream of both kinds it ends only once our own half has.
    let turn = Promise.resolve();
    call.on("data", (request) => {
      turn = turn.then(() => answerOne(call, request, trailer));
    });
    call.on("end", () => {
      turn = turn.then(() => call.end(trailer));
    });
  },
};

const server = new grpc.Server(
  process.env.GZIP === "1" ? { "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip } : {},
);
server.addService(
  Object.fromEntries(
    Object.entries(TestService.service).filter(([name]) => Object.hasOwn(implementation, name)),
  ),
  implementation,
);
const address = `127.0.0.1:${process.env.PORT ?? 0}`;
server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(`listening ${port}`);
});
process.on("SIGTERM", () => {
  server.forceShutdown();
  process.exit(0);
});
