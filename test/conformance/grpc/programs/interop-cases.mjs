// The cases of gRPC's interop-test-descriptions.md that need no cloud, and a few of our own, for a grpc-js client. A case throws
// where the answer is not the right one.
import assert from "node:assert/strict";
import { once } from "node:events";
import grpc from "@grpc/grpc-js";
import { initialKey, payload, trailingKey, UnimplementedService } from "./service.mjs";

const { status } = grpc;
const requestSizes = [27_182, 8, 1828, 45_904];
const responseSizes = [31_415, 9, 2653, 58_979];

function unary(client, method, request, { metadata = new grpc.Metadata(), ...options } = {}) {
  return new Promise((resolve) => {
    const seen = { error: undefined, response: undefined, head: undefined, trailer: undefined };
    const call = client[method](request, metadata, options, (error, response) => {
      seen.error = error ?? undefined;
      seen.response = response;
    });
    call.on("metadata", (head) => {
      seen.head = head;
    });
    call.on("status", (end) => {
      seen.trailer = end.metadata;
      resolve(seen);
    });
  });
}

/** Reads messages one by one; `next` is undefined at the end and throws what ended the call otherwise. */
function reading(call) {
  const messages = call[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { value, done } = await messages.next();
      return done ? undefined : value;
    },
  };
}

/** Unlike `once`, also where the status is an error. */
function statusOf(call) {
  return new Promise((resolve) => call.on("status", resolve));
}

async function codeOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error.code;
  }
  return status.OK;
}

async function emptyUnary(client) {
  const { error, response } = await unary(client, "EmptyCall", {});
  assert.equal(error, undefined);
  assert.deepEqual(response, {});
}

async function largeUnary(client, options = {}) {
  const request = { response_size: 314_159, payload: payload(271_828) };
  const { error, response } = await unary(client, "UnaryCall", request, options);
  assert.equal(error, undefined);
  assert.deepEqual(response.payload.body, Buffer.alloc(314_159));
}

async function clientStreaming(client) {
  const response = await new Promise((resolve, reject) => {
    const call = client.StreamingInputCall((error, value) =>
      error === null ? resolve(value) : reject(error),
    );
    for (const size of requestSizes) call.write({ payload: payload(size) });
    call.end();
  });
  assert.equal(response.aggregated_payload_size, 74_922);
}

async function serverStreaming(client) {
  const call = client.StreamingOutputCall({ response_parameters: responseSizes.map((size) => ({ size })) });
  const sizes = [];
  for await (const { payload: got } of call) sizes.push(got.body.length);
  assert.deepEqual(sizes, responseSizes);
}

async function pingPong(client) {
  const call = client.FullDuplexCall();
  const answers = reading(call);
  for (const [i, size] of responseSizes.entries()) {
    call.write({ response_parameters: [{ size }], payload: payload(requestSizes[i]) });
    assert.equal((await answers.next()).payload.body.length, size);
  }
  call.end();
  assert.equal(await answers.next(), undefined);
}

async function emptyStream(client) {
  const call = client.FullDuplexCall();
  const ended = statusOf(call);
  call.end();
  assert.equal(await reading(call).next(), undefined);
  assert.equal((await ended).code, status.OK);
}

async function timeoutOnSleepingServer(client) {
  const call = client.FullDuplexCall({ deadline: Date.now() + 1 });
  call.write({ payload: payload(27_182) });
  assert.equal(await codeOf(reading(call).next()), status.DEADLINE_EXCEEDED);
}

async function cancelAfterBegin(client) {
  const code = await new Promise((resolve) => {
    const call = client.StreamingInputCall((error) => resolve(error?.code ?? status.OK));
    call.cancel();
  });
  assert.equal(code, status.CANCELLED);
}

async function cancelAfterFirstResponse(client) {
  const call = client.FullDuplexCall();
  const answers = reading(call);
  call.write({ response_parameters: [{ size: 31_415 }], payload: payload(27_182) });
  assert.equal((await answers.next()).payload.body.length, 31_415);
  call.cancel();
  assert.equal(await codeOf(answers.next()), status.CANCELLED);
}

async function statusCodeAndMessage(client) {
  const response_status = { code: status.UNKNOWN, message: "test status message" };
  const { error } = await unary(client, "UnaryCall", { response_status });
  assert.deepEqual([error.code, error.details], [status.UNKNOWN, response_status.message]);
  const call = client.FullDuplexCall();
  call.write({ response_status });
  call.end();
  const ended = statusOf(call);
  assert.equal(await codeOf(reading(call).next()), status.UNKNOWN);
  assert.equal((await ended).details, response_status.message);
}

async function specialStatusMessage(client) {
  const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
  const { error } = await unary(client, "UnaryCall", { response_status: { code: 2, message } });
  assert.deepEqual([error.code, error.details], [status.UNKNOWN, message]);
}

async function customMetadata(client) {
  const metadata = new grpc.Metadata();
  metadata.set(initialKey, "test_initial_metadata_value");
  metadata.set(trailingKey, Buffer.from([0xab, 0xab, 0xab]));
  const checkBoth = (head, trailer) => {
    assert.deepEqual(head.get(initialKey), ["test_initial_metadata_value"]);
    assert.deepEqual(trailer.get(trailingKey), [Buffer.from([0xab, 0xab, 0xab])]);
  };
  const { error, head, trailer } = await unary(
    client,
    "UnaryCall",
    { response_size: 1, payload: payload(1) },
    { metadata },
  );
  assert.equal(error, undefined);
  checkBoth(head, trailer);
  const call = client.FullDuplexCall(metadata);
  const [began, ended] = [once(call, "metadata"), statusOf(call)];
  call.write({ response_parameters: [{ size: 1 }], payload: payload(1) });
  call.end();
  const answers = reading(call);
  assert.equal((await answers.next()).payload.body.length, 1);
  assert.equal(await answers.next(), undefined);
  checkBoth((await began)[0], (await ended).metadata);
}

async function unimplementedMethod(client) {
  const { error } = await unary(client, "UnimplementedCall", {});
  assert.equal(error.code, status.UNIMPLEMENTED);
}

async function unimplementedService(client) {
  const other = new UnimplementedService("unused", grpc.credentials.createInsecure(), {
    channelOverride: client.getChannel(),
  });
  const { error } = await unary(other, "UnimplementedCall", {});
  assert.equal(error.code, status.UNIMPLEMENTED);
}

/** Ours: more calls at once than a connection's usual hundred streams, each with its own answer. */
async function concurrentUnary(client) {
  const calls = Array.from({ length: 250 }, (_, i) =>
    unary(client, "UnaryCall", { response_size: i * 100, payload: payload(i) }),
  );
  const sizes = (await Promise.all(calls)).map(
    ({ error, response }) => error ?? response.payload.body.length,
  );
  assert.deepEqual(
    sizes,
    Array.from({ length: 250 }, (_, i) => i * 100),
  );
}

/** Ours: several windows' worth in both directions, and small messages without number. */
async function longStreams(client) {
  const call = client.FullDuplexCall();
  const sent = (async () => {
    for (let i = 0; i < 64; i++) {
      if (!call.write({ response_parameters: [{ size: 65_536 }, { size: i }], payload: payload(65_536) }))
        await once(call, "drain");
    }
    call.end();
  })();
  let bytes = 0;
  let messages = 0;
  for await (const { payload: got } of call) {
    bytes += got.body.length;
    messages++;
  }
  await sent;
  assert.deepEqual([messages, bytes], [128, 64 * 65_536 + (63 * 64) / 2]);
}

/** Ours: a status code of every number, with and without messages before it. */
async function everyStatus(client) {
  for (let code = 1; code <= 16; code++) {
    const { error } = await unary(client, "UnaryCall", {
      response_status: { code, message: `status ${code}` },
    });
    assert.deepEqual([error.code, error.details], [code, `status ${code}`]);
    const call = client.FullDuplexCall();
    call.write({ response_parameters: [{ size: 10 }] });
    call.write({ response_status: { code, message: "" } });
    const answers = reading(call);
    assert.equal((await answers.next()).payload.body.length, 10);
    assert.equal(await codeOf(answers.next()), code);
    call.end();
  }
}

export const cases = {
  empty_unary: emptyUnary,
  large_unary: (client) => largeUnary(client),
  client_streaming: clientStreaming,
  server_streaming: serverStreaming,
  ping_pong: pingPong,
  empty_stream: emptyStream,
  timeout_on_sleeping_server: timeoutOnSleepingServer,
  cancel_after_begin: cancelAfterBegin,
  cancel_after_first_response: cancelAfterFirstResponse,
  status_code_and_message: statusCodeAndMessage,
  special_status_message: specialStatusMessage,
  custom_metadata: customMetadata,
  unimplemented_method: unimplementedMethod,
  unimplemented_service: unimplementedService,
  concurrent_unary: concurrentUnary,
  long_streams: longStreams,
  every_status: everyStatus,
};

/** Needs a server that reads gzip. */
export const gzipCases = {
  gzip_unary: (client) => largeUnary(client),
  gzip_streaming: pingPong,
};
