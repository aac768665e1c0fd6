/** The index of a git checkout (format 2 and 3, gitformat-index(5)): which content each file was last committed or staged with. */

interface GitIndex {
  /** Path from the root of the checkout to the hash of its content, in hexadecimal. Without files in conflict. */
  readonly files: ReadonlyMap<string, string>;
  /** The tree that the whole of the index is; undefined: something was staged since. */
  readonly tree: string | undefined;
}

const headerLength = 12;
const hashLength = 20;
/** What stands in an entry before the hash: times, device, inode, mode, owner, size. */
const statLength = 40;
const extendedFlag = 0x4000;
const stageBits = 0x3000;

/** Undefined where it is of another format, or broken. */
export function parseGitIndex(bytes: Buffer): GitIndex | undefined {
  try {
    const version = bytes.readUInt32BE(4);
    if (bytes.toString("latin1", 0, 4) !== "DIRC" || (version !== 2 && version !== 3)) return undefined;
    const files = new Map<string, string>();
    let place = headerLength;
    for (let left = bytes.readUInt32BE(8); left > 0; left--) place = readEntry(bytes, place, files);
    return { files, tree: readTree(bytes, place) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readEntry(bytes: Buffer, start: number, files: Map<string, string>): number {
  const hash = start + statLength;
  const flags = bytes.readUInt16BE(hash + hashLength);
  const name = hash + hashLength + ((flags & extendedFlag) === 0 ? 2 : 4);
  const end = bytes.indexOf(0, name);
  if (end < 0) throw new RangeError("an entry without end");
  if ((flags & stageBits) === 0)
    files.set(bytes.toString("utf8", name, end), bytes.toString("hex", hash, hash + hashLength));
  // One to eight bytes of zero, so that the next one begins at a multiple of eight.
  return start + Math.floor((end - start) / 8) * 8 + 8;
}

/** Of the extension "TREE" the first entry, which is the root's; a negative count: it is not valid any more. */
function readTree(bytes: Buffer, start: number): string | undefined {
  for (let place = start; place + 8 <= bytes.length - hashLength; ) {
    const size = bytes.readUInt32BE(place + 4);
    const content = place + 8;
    if (bytes.toString("latin1", place, place + 4) === "TREE") {
      const line = bytes.indexOf(0x0a, content);
      const isRoot = /^\0\d+ \d+$/.test(bytes.toString("latin1", content, line));
      return isRoot ? bytes.toString("hex", line + 1, line + 1 + hashLength) : undefined;
    }
    place = content + size;
  }
  return undefined;
}
