/** What is read by hand is what the schema reads, and all else is left to it. */
import { expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { typeUrl } from "../model/index.ts";
import { DeltaDiscoveryRequestSchema } from "../wire/index.ts";
import { readAnswer } from "./answer-reader.ts";
import { knownTypeUrls } from "./node.ts";

function encode(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): Uint8Array {
  return toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request));
}

const answer = { typeUrl: typeUrl("Endpoint"), responseNonce: "1234567.2" };

test("an answer to each kind is read as the schema reads it", () => {
  expect(knownTypeUrls.length).toBeGreaterThan(9);
  for (const url of knownTypeUrls) {
    for (const nonce of ["1", "1.1", "123456789012345.123456", "x"]) {
      const bytes = encode({ typeUrl: url, responseNonce: nonce });
      expect(readAnswer(bytes)).toEqual(fromBinary(DeltaDiscoveryRequestSchema, bytes));
    }
  }
});

test("a request that is more than an answer, or less, is left to the schema", () => {
  for (const request of [
    {},
    { typeUrl: answer.typeUrl },
    { responseNonce: answer.responseNonce },
    { ...answer, typeUrl: "type.weft.dev/weft.model.v1.Nothing" },
    { ...answer, typeUrl: answer.typeUrl.repeat(4) },
    { ...answer, responseNonce: "1".repeat(23) },
    { ...answer, responseNonce: "1\u{e4}" },
    { ...answer, resourceNamesSubscribe: ["a"] },
    { ...answer, resourceNamesUnsubscribe: ["a"] },
    { ...answer, initialResourceVersions: { a: "1" } },
    { ...answer, errorDetail: { code: 3, message: "no" } },
    { ...answer, node: { id: "shop/web" } },
  ]) {
    expect(readAnswer(encode(request))).toBeUndefined();
  }
});

test("no part of an answer, and no answer with a byte changed, is read otherwise than by the schema", () => {
  const whole = encode(answer);
  for (let at = 0; at < whole.length; at++) {
    expect(readAnswer(whole.subarray(0, at))).toBeUndefined();
    for (const byte of [0, 1, 0x12, 0x32, 0x41, 0x7f, 0x80, 0xff]) {
      const bytes = whole.with(at, byte);
      const read = readAnswer(bytes);
      if (read !== undefined) expect(read).toEqual(fromBinary(DeltaDiscoveryRequestSchema, bytes));
    }
  }
});
