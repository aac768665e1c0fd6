/** A tar archive (POSIX ustar) of files in memory. */
const blockBytes = 512;
const maxNameBytes = 100;

export interface TarFile {
  /** At most 100 bytes. */
  readonly name: string;
  readonly content: string;
}

export function encodeTar(files: readonly TarFile[], nowMs: number): Buffer {
  const parts = files.flatMap(({ name, content }) => {
    const bytes = Buffer.from(content);
    return [
      header(name, bytes.length, nowMs),
      bytes,
      Buffer.alloc((blockBytes - (bytes.length % blockBytes)) % blockBytes),
    ];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}

function header(name: string, size: number, nowMs: number): Buffer {
  if (Buffer.byteLength(name) > maxNameBytes) throw new Error(`${name} is too long for a tar archive`);
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "latin1");
  };
  block.write(name, 0);
  octal(0o600, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(Math.floor(nowMs / 1_000), 136, 11);
  block.write("        0", 148, "latin1"); // the checksum counts as spaces; "0": a file
  block.write("ustar\x0000", 257, "latin1");
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  block.write(" ", 155, "latin1");
  return block;
}
