/** A command as RESP has it: a list of bulk strings. */
export function encodeCommand(parts: readonly string[]): Uint8Array {
  let text = `*${parts.length}\r\n`;
  for (const part of parts) text += `$${Buffer.byteLength(part)}\r\n${part}\r\n`;
  return Buffer.from(text, "utf8");
}
