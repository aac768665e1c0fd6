/** Trailer sections: parsed as strictly as heads, and only what may be forwarded is handed on (RFC 9110 6.5). */
import { ByteWriter } from "../kernel/index.ts";
import { FieldTable } from "./field-table.ts";
import { forbiddenInTrailers } from "./known-fields.ts";
import type { Http1Limits } from "./limits.ts";
import { MessageHead } from "./message-head.ts";
import { parseFields } from "./parse-fields.ts";
import type { SectionParser } from "./section-buffer.ts";

const noLines = new Uint8Array(0);

export class TrailerParser implements SectionParser {
  /** The lines that may be forwarded, each ending in CRLF. */
  lines: Uint8Array;
  readonly #limits: Http1Limits;

  constructor(limits: Http1Limits) {
    this.lines = noLines;
    this.#limits = limits;
  }

  parseSection(bytes: Buffer, start: number, end: number): number {
    const section = new MessageHead();
    section.bytes = bytes;
    const { maxTrailerBytes: maxBytes, maxHeaders: maxFields } = this.#limits;
    const after = parseFields(section, start, end, { start, maxBytes, maxFields, table: new FieldTable() });
    if (after < 0 || section.headerCount === 0) return after;
    const out = new ByteWriter(section.fieldsEnd - section.fieldsStart);
    for (let i = 0; i < section.headerCount; i++) {
      if (forbiddenInTrailers.has(section.nameAt(i))) continue;
      out.appendRange(bytes, section.nameStart(i), section.lineEnd(i));
    }
    this.lines = out.view();
    return after;
  }
}
