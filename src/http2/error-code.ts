/** HTTP/2 error codes (RFC 9113, section 7) by name. A number that has no name counts as internal_error. */

export const errorCodeNumbers = {
  no_error: 0x0,
  protocol_error: 0x1,
  internal_error: 0x2,
  flow_control_error: 0x3,
  settings_timeout: 0x4,
  stream_closed: 0x5,
  frame_size_error: 0x6,
  refused_stream: 0x7,
  cancel: 0x8,
  compression_error: 0x9,
  connect_error: 0xa,
  enhance_your_calm: 0xb,
  inadequate_security: 0xc,
  http_1_1_required: 0xd,
} as const;

export type Http2ErrorCode = keyof typeof errorCodeNumbers;

const names: readonly Http2ErrorCode[] = [
  "no_error",
  "protocol_error",
  "internal_error",
  "flow_control_error",
  "settings_timeout",
  "stream_closed",
  "frame_size_error",
  "refused_stream",
  "cancel",
  "compression_error",
  "connect_error",
  "enhance_your_calm",
  "inadequate_security",
  "http_1_1_required",
];

export function errorCodeName(code: number): Http2ErrorCode {
  return names[code] ?? "internal_error";
}
