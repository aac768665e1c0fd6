/** The two messages of grpc.health.v1.Health/Check, framed as gRPC does. Small enough that no generated code is worth it. */

export const grpcHealthPath = "/grpc.health.v1.Health/Check";

const serving = 1;
const statusNames = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
/** One answer is two bytes behind its prefix; whatever is much longer is none. */
export const maxHealthAnswerBytes = 1_024;

/** HealthCheckRequest{service = 1}, behind the five bytes of gRPC's prefix. */
export function encodeHealthRequest(service: string): Uint8Array {
  const name = Buffer.from(service, "utf8");
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** What is wrong with the answer; undefined: it says SERVING. */
export function healthAnswerProblem(framed: Uint8Array): string | undefined {
  const bytes = Buffer.from(framed.buffer, framed.byteOffset, framed.byteLength);
  if (bytes.length < 5 || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - 5) {
    return "the answer is not one uncompressed message";
  }
  const status = statusField(bytes.subarray(5));
  return status === serving ? undefined : `the server says ${statusNames[status] ?? `status ${status}`}`;
}

/** HealthCheckResponse{status = 1}; an absent field is 0. */
function statusField(message: Uint8Array): number {
  return message[0] === 0x08 ? (message[1] ?? 0) : 0;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}
