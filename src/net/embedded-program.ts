/**
 * Where an executable that Bun built keeps its program (text, bytecode, source map): the section `.bun` of its ELF file, which lies
 * among writable data and is never written.
 */
import { closeSync, openSync, readSync } from "node:fs";

export interface FileRange {
  readonly offset: number;
  readonly bytes: number;
}

const headerBytes = 64;
const sectionHeaderBytes = 64;
/** Real ones have some forty. */
const maxSections = 1_000;
const maxNamesBytes = 1 << 20;

/** Undefined: the file has no program in it, or is no 64-bit little-endian ELF file. Throws what the file system does. */
export function embeddedProgram(file: string): FileRange | undefined {
  const fd = openSync(file, "r");
  try {
    return sectionOf(fd, ".bun");
  } finally {
    closeSync(fd);
  }
}

function sectionOf(fd: number, name: string): FileRange | undefined {
  const header = readAt(fd, 0, headerBytes);
  if (header?.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) return undefined;
  const count = header.readUInt16LE(60);
  if (header.readUInt16LE(58) !== sectionHeaderBytes || count > maxSections) return undefined;
  const headers = readAt(fd, Number(header.readBigUInt64LE(40)), count * sectionHeaderBytes);
  if (headers === undefined) return undefined;
  const section = (index: number): FileRange & { readonly nameAt: number } => ({
    nameAt: headers.readUInt32LE(index * sectionHeaderBytes),
    offset: Number(headers.readBigUInt64LE(index * sectionHeaderBytes + 24)),
    bytes: Number(headers.readBigUInt64LE(index * sectionHeaderBytes + 32)),
  });
  const namesIndex = header.readUInt16LE(62);
  if (namesIndex >= count) return undefined;
  const { offset: namesAt, bytes: namesBytes } = section(namesIndex);
  const names = namesBytes > maxNamesBytes ? undefined : readAt(fd, namesAt, namesBytes);
  if (names === undefined) return undefined;
  for (let index = 0; index < count; index++) {
    const { nameAt, offset, bytes } = section(index);
    if (names.toString("latin1", nameAt, names.indexOf(0, nameAt)) === name) return { offset, bytes };
  }
  return undefined;
}

function readAt(fd: number, position: number, bytes: number): Buffer | undefined {
  const buffer = Buffer.alloc(bytes);
  return readSync(fd, buffer, 0, bytes, position) === bytes ? buffer : undefined;
}
