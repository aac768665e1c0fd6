/** DER byte for byte: what is written, and what is refused when read. */
import { describe, expect, test } from "bun:test";
import {
  decodeOid,
  decodeTimeMs,
  DerReader,
  encodeElement,
  encodeInteger,
  encodeOid,
  encodeSequence,
  encodeTime,
  tags,
} from "./der.ts";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

describe("writing", () => {
  test.each([
    [0, "0400"],
    [127, "047f"],
    [128, "048180"],
    [255, "0481ff"],
    [256, "04820100"],
    [65_536, "0483010000"],
  ])("the length of %d bytes is minimal", (length, header) => {
    const encoded = encodeElement(tags.octetString, new Uint8Array(length));
    expect(Buffer.from(encoded.subarray(0, header.length / 2)).toString("hex")).toBe(header);
    expect(new DerReader(encoded).any().content.length).toBe(length);
  });

  test.each([
    ["00", "020100"],
    ["7f", "02017f"],
    ["80", "02020080"],
    ["000001", "020101"],
    ["", "020100"],
  ])("the unsigned number %s becomes a minimal positive INTEGER", (bytes, expected) => {
    expect(Buffer.from(encodeInteger(hex(bytes))).toString("hex")).toBe(expected);
  });

  test.each(["1.2.840.10045.4.3.2", "2.5.29.17", "1.3.132.0.34"])("the identifier %s survives", (oid) => {
    expect(decodeOid(new DerReader(encodeOid(oid)).next(tags.oid).content)).toBe(oid);
  });

  test.each([
    [Date.UTC(2026, 0, 2, 3, 4, 5), tags.utcTime],
    [Date.UTC(2049, 11, 31, 23, 59, 59), tags.utcTime],
    [Date.UTC(2050, 0, 1), tags.generalizedTime],
  ])("the time %d takes the form that RFC 5280 asks for", (unixMs, tag) => {
    const element = new DerReader(encodeTime(unixMs)).any();
    expect(element.tag).toBe(tag);
    expect(decodeTimeMs(element)).toBe(unixMs);
  });
});

describe("reading refuses", () => {
  test.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["content cut short", "3003 0101"],
    ["an indefinite length", "3080 0000"],
    ["a length that is not minimal", "308101 00"],
    ["a length of five bytes", "308500000000 01 00"],
    ["a length of 4 GiB that is not there", "3084ffffffff"],
    ["a tag of several bytes", "1f8101 00"],
  ])("%s", (_, bytes) => {
    expect(() => new DerReader(hex(bytes)).any()).toThrow("not valid DER");
  });

  test("bytes after the last element", () => {
    const reader = new DerReader(hex("0500 00"));
    reader.any();
    expect(() => reader.finish()).toThrow("bytes after");
  });

  test("every cut of a nested structure", () => {
    const whole = encodeSequence(encodeSequence(encodeInteger(hex("0102")), encodeOid("2.5.29.17")));
    for (let length = 0; length < whole.length; length++) {
      expect(() => new DerReader(whole.subarray(0, length)).any()).toThrow("not valid DER");
    }
  });
});
