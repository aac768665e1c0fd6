/** ClientHellos byte by byte, right or wrong in one place. */

export interface HelloParts {
  readonly version?: readonly number[];
  readonly sessionId?: readonly number[];
  readonly suites?: readonly number[];
  readonly compressions?: readonly number[];
  /** Undefined: a default set. Null: no extensions at all, as before TLS 1.2. */
  readonly extensions?: readonly (readonly number[])[] | null;
  /** Behind everything, within the message. */
  readonly behind?: readonly number[];
}

export function u16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

function ascii(text: string): number[] {
  return [...Buffer.from(text, "latin1")];
}

export function extension(type: number, data: readonly number[]): number[] {
  return [...u16(type), ...u16(data.length), ...data];
}

export function serverNameExtension(...names: readonly string[]): number[] {
  const list = names.flatMap((name) => [0, ...u16(name.length), ...ascii(name)]);
  return extension(0, [...u16(list.length), ...list]);
}

export function alpnExtension(...names: readonly string[]): number[] {
  const list = names.flatMap((name) => [name.length, ...ascii(name)]);
  return extension(16, [...u16(list.length), ...list]);
}

export const supportedVersions = extension(43, [6, 0x7a, 0x7a, 3, 4, 3, 3]);

/** Reserved values that clients strew in so that servers learn to ignore what they do not know (RFC 8701). */
const grease = extension(0x3a3a, [0]);

export function defaultExtensions(name = "Web.Example.com"): number[][] {
  return [
    grease,
    serverNameExtension(name),
    alpnExtension("h2", "http/1.1"),
    supportedVersions,
    extension(0xfafa, []),
  ];
}

/** The handshake message, without any record. */
export function helloMessage(parts: HelloParts = {}): number[] {
  const random = Array.from({ length: 32 }, (_, i) => i * 7);
  const sessionId = parts.sessionId ?? Array.from({ length: 32 }, () => 9);
  const suites = parts.suites ?? [0x0a, 0x0a, 0x13, 0x01, 0xc0, 0x2b];
  const compressions = parts.compressions ?? [0];
  const list = parts.extensions === null ? [] : (parts.extensions ?? defaultExtensions()).flat();
  const body = [
    ...(parts.version ?? [3, 3]),
    ...random,
    ...[sessionId.length, ...sessionId],
    ...[...u16(suites.length), ...suites],
    ...[compressions.length, ...compressions],
    ...(parts.extensions === null ? [] : [...u16(list.length), ...list]),
    ...(parts.behind ?? []),
  ];
  return [1, body.length >> 16, ...u16(body.length & 0xffff), ...body];
}

/** The message in records of at most `fragmentBytes`. */
export function inRecords(message: readonly number[], fragmentBytes = 16_384, version = [3, 1]): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < message.length; at += fragmentBytes) {
    const part = message.slice(at, at + fragmentBytes);
    bytes.push(22, ...version, ...u16(part.length), ...part);
  }
  return Uint8Array.from(bytes);
}
