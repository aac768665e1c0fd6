/** Header lines that the proxy adds, encoded once when configuration compiles or a request starts. */
import { type ByteWriter, WeftError } from "../kernel/index.ts";
import { isFieldByte, tokenLower } from "./characters.ts";
import { trimSpace } from "./framing.ts";
import { framingNames } from "./known-fields.ts";

export interface HeaderLine {
  readonly nameLower: string;
  readonly value: string;
  /** `name: value\r\n`; empty: the fields of the name are taken away, and that is all. */
  readonly bytes: Uint8Array;
}

export interface HeadEdits {
  /** Replace all fields of their names. */
  readonly set: readonly HeaderLine[];
  readonly add: readonly HeaderLine[];
  /** In lower case. Fields that frame messages, and Host, are not removed. */
  readonly remove: readonly string[];
}

/**
 * Of one message: written into what is sent, without bytes of its own. Whoever makes one vouches that name and value are a
 * field's, one byte for each character.
 */
export abstract class WrittenLine implements HeaderLine {
  readonly nameLower: string;

  constructor(nameLower: string) {
    this.nameLower = nameLower;
  }

  abstract readonly value: string;
  protected abstract writeValue(out: ByteWriter): void;

  get bytes(): Uint8Array {
    return Buffer.from(`${this.nameLower}: ${this.value}\r\n`, "latin1");
  }

  writeTo(out: ByteWriter): void {
    out.latin1(this.nameLower);
    out.byte(0x3a);
    out.byte(0x20);
    this.writeValue(out);
    out.byte(0x0d);
    out.byte(0x0a);
  }
}

/** Whose value is there as a text. */
export class TextLine extends WrittenLine {
  readonly value: string;

  constructor(nameLower: string, value: string) {
    super(nameLower);
    this.value = value;
  }

  protected writeValue(out: ByteWriter): void {
    out.latin1(this.value);
  }
}

/**
 * The name is sent in lower case. Throws WeftError bad_input where name or value could break a message apart, and for
 * names that frame messages.
 */
export function headerLine(name: string, value: string): HeaderLine {
  const nameLower = name.toLowerCase();
  if (!isEvery(nameLower, tokenLower) || nameLower === "") {
    throw new WeftError("bad_input", `header name ${JSON.stringify(name)} is no token`);
  }
  if (framingNames.has(nameLower)) {
    throw new WeftError("bad_input", `header ${nameLower} frames messages and cannot be edited`);
  }
  if (!isEvery(value, isFieldByte) || trimSpace(value) !== value) {
    throw new WeftError("bad_input", `value of header ${nameLower} has bytes that no header has`);
  }
  return { nameLower, value, bytes: Buffer.from(`${nameLower}: ${value}\r\n`, "latin1") };
}

function isEvery(text: string, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || table[code] === 0) return false;
  }
  return true;
}
