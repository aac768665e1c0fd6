/** The first bytes of a TLS client, as far as a proxy reads them. */

function u16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

/** Without a name it has no extension at all. */
export function clientHello(serverName?: string): Uint8Array {
  const name = [...Buffer.from(serverName ?? "", "latin1")];
  const list = [0, ...u16(name.length), ...name];
  const extension = [0, 0, ...u16(list.length + 2), ...u16(list.length), ...list];
  const extensions = serverName === undefined ? [] : extension;
  const random = Array.from({ length: 32 }, (_, i) => i);
  const suites = [0x13, 0x01];
  const body = [
    3,
    3,
    ...random,
    0,
    ...u16(suites.length),
    ...suites,
    1,
    0,
    ...u16(extensions.length),
    ...extensions,
  ];
  const message = [1, 0, ...u16(body.length), ...body];
  return Uint8Array.from([22, 3, 1, ...u16(message.length), ...message]);
}
