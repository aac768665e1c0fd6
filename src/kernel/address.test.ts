/** IP addresses and prefixes: parsing, the canonical text, membership and counting. */
import { describe, expect, test } from "bun:test";
import { canonicalIp, formatIp, Prefix, parseIp } from "./address.ts";

describe("parseIp and formatIp", () => {
  test.each([
    ["10.0.0.1", "10.0.0.1"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::", "::"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["fe80::1.2.3.4", "fe80::102:304"],
    ["1::", "1::"],
  ])("reads %s as %s", (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical);
  });

  test.each([
    "",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "1:2:3:4:5:6:7",
    "1::2::3",
    "g::1",
    "1:2:3:4:5:6:7:8:9",
    ":1",
    "1.2.3.4::",
    "12345::",
    "1:2:3:4:5:6:7::8",
  ])("refuses %p", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  test("formats what it parses for random IPv6 addresses", () => {
    for (let round = 0; round < 2000; round++) {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      for (let i = 0; i < 16; i++) if ((bytes[i] ?? 0) & 1) bytes[i] = 0;
      bytes[0] = 0x20;
      expect(parseIp(formatIp(bytes))).toEqual(bytes);
    }
  });
});

describe("Prefix", () => {
  test("contains exactly its addresses", () => {
    const prefix = Prefix.parse("10.77.128.0/17");
    expect(prefix?.contains(parseIp("10.77.128.1") ?? new Uint8Array())).toBe(true);
    expect(prefix?.contains(parseIp("10.77.127.255") ?? new Uint8Array())).toBe(false);
    expect(prefix?.contains(parseIp("::1") ?? new Uint8Array())).toBe(false);
    expect(Prefix.parse("0.0.0.0/0")?.contains(parseIp("8.8.8.8") ?? new Uint8Array())).toBe(true);
  });

  test("refuses host bits, long masks and nonsense", () => {
    for (const text of ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0", "::/129", "x/8"])
      expect(Prefix.parse(text)).toBeUndefined();
  });

  test("counts addresses across byte borders and stops at its end", () => {
    const prefix = Prefix.parse("10.77.0.0/16");
    expect(formatIp(prefix?.at(300) ?? new Uint8Array(4))).toBe("10.77.1.44");
    expect(prefix?.at(65_535)).toEqual(Uint8Array.of(10, 77, 255, 255));
    expect(prefix?.at(65_536)).toBeUndefined();
    expect(formatIp(Prefix.parse("fd77::/64")?.at(0x1_0000) ?? new Uint8Array(16))).toBe("fd77::1:0");
  });
});
