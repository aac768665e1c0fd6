/** PROXY headers: what they say at every split, what is none, and that what we write is what we read. */
import { describe, expect, test } from "bun:test";
import type { ConnectionAddresses } from "./connection-addresses.ts";
import { encodeProxyHeader } from "./encode-proxy-header.ts";
import { type ProxyHeader, readProxyHeader, signature2 } from "./proxy-header.ts";

type Verdict = ProxyHeader | "malformed" | undefined;

const v1 = (line: string): Uint8Array => Buffer.from(line, "latin1");

/** Version and command, family, address block with extensions. */
function v2(command: number, family: number, block: readonly number[], length = block.length): Uint8Array {
  return Uint8Array.of(...signature2, command, family, length >> 8, length & 0xff, ...block);
}

const ipv4 = [192, 168, 0, 1, 10, 0, 0, 2, 0xdb, 0xf4, 0x01, 0xbb];
const ipv6 = [
  ...[0x20, 1, 0x0d, 0xb8, ...Array<number>(11).fill(0), 1],
  ...[...Array<number>(10).fill(0), 0xff, 0xff, 10, 0, 0, 2],
  ...[0xff, 0xff, 0, 0],
];
const from4: ConnectionAddresses = {
  remoteAddress: "192.168.0.1",
  remotePort: 56_308,
  localAddress: "10.0.0.2",
  localPort: 443,
};
const from6: ConnectionAddresses = {
  remoteAddress: "2001:db8::1",
  remotePort: 65_535,
  localAddress: "10.0.0.2",
  localPort: 0,
};

const good: readonly [string, Uint8Array, ConnectionAddresses | undefined][] = [
  ["1, TCP4", v1("PROXY TCP4 192.168.0.1 10.0.0.2 56308 443\r\n"), from4],
  ["1, TCP6", v1("PROXY TCP6 2001:db8::1 ::ffff:10.0.0.2 65535 0\r\n"), from6],
  ["1, TCP6 in full", v1("PROXY TCP6 2001:0DB8:0:0:0:0:0:1 ::ffff:a00:2 65535 0\r\n"), from6],
  ["1, unknown", v1("PROXY UNKNOWN\r\n"), undefined],
  [
    "1, unknown with addresses",
    v1("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"),
    undefined,
  ],
  ["1, unknown of 107 bytes", v1(`PROXY UNKNOWN ${"x".repeat(91)}\r\n`), undefined],
  ["2, TCP4", v2(0x21, 0x11, ipv4), from4],
  ["2, TCP6", v2(0x21, 0x21, ipv6), from6],
  ["2, TCP4 with extensions", v2(0x21, 0x11, [...ipv4, 4, 0, 2, 1, 2, 0xea, 0, 0]), from4],
  ["2, of 5,360 bytes", v2(0x21, 0x11, [...ipv4, 4, 0x14, 0xd1, ...Array<number>(5_329).fill(0)]), from4],
  ["2, unspecified", v2(0x21, 0x00, []), undefined],
  ["2, unspecified with something", v2(0x21, 0x00, [1, 2, 3]), undefined],
  ["2, local", v2(0x20, 0x00, []), undefined],
  ["2, local with addresses", v2(0x20, 0x11, ipv4), undefined],
  ["2, local with a family that nobody knows", v2(0x20, 0x42, [1]), undefined],
];

const behind = [0x16, 3, 1];

describe.each(good)("version %s", (_name, header, addresses) => {
  test("is read at every split, and leaves what is behind it", () => {
    const bytes = Uint8Array.of(...header, ...behind);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const expected = cut < header.length ? undefined : { length: header.length, addresses };
      expect(readProxyHeader(bytes.slice(0, cut))).toEqual(expected);
    }
  });
});

describe("malformed", () => {
  test.each<[string, Uint8Array]>([
    ["nothing of it", v1("GET / HTTP/1.1\r\n")],
    ["TLS", Uint8Array.of(0x16, 3, 1)],
    ["lower case", v1("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n")],
    ["a line without carriage return", v1("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n")],
    ["a line that does not end", v1("PROXY UNKNOWN ".padEnd(107, "x"))],
    ["a line of 108 bytes", v1(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`)],
    ["a carriage return within", v1("PROXY UNKNOWN a\rb\r\n")],
    ["no family", v1("PROXY \r\n")],
    ["another family", v1("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n")],
    ["UNKNOWN run into the rest", v1("PROXY UNKNOWNS\r\n")],
    ["two spaces", v1("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n")],
    ["a space at the end", v1("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n")],
    ["a tab", v1("PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n")],
    ["one address", v1("PROXY TCP4 1.2.3.4 1 2\r\n")],
    ["no port", v1("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n")],
    ["IPv6 as TCP4", v1("PROXY TCP4 ::1 ::1 1 2\r\n")],
    ["IPv4 as TCP6", v1("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n")],
    ["one of each family", v1("PROXY TCP4 1.2.3.4 ::1 1 2\r\n")],
    ["an address beyond 255", v1("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n")],
    ["an octal address", v1("PROXY TCP4 1.2.3.010 1.2.3.4 1 2\r\n")],
    ["a port beyond 65,535", v1("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n")],
    ["a port with a zero before it", v1("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n")],
    ["a negative port", v1("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n")],
    ["a broken signature", Uint8Array.of(...signature2.subarray(0, 11), 0)],
    ["version 1 in binary", v2(0x11, 0x11, ipv4)],
    ["version 3", v2(0x31, 0x11, ipv4)],
    ["another command", v2(0x22, 0x11, ipv4)],
    ["a Unix socket", v2(0x21, 0x31, Array<number>(216).fill(0))],
    ["datagrams", v2(0x21, 0x12, ipv4)],
    ["a family without transport", v2(0x21, 0x10, ipv4)],
    ["a transport without family", v2(0x21, 0x01, [])],
    ["half the addresses", v2(0x21, 0x11, ipv4.slice(0, 11))],
    ["IPv4 addresses as IPv6", v2(0x21, 0x21, ipv4)],
    ["half an extension's head", v2(0x21, 0x11, [...ipv4, 4, 0])],
    ["an extension beyond the end", v2(0x21, 0x11, [...ipv4, 4, 0, 2, 1])],
    ["a header beyond the bound, as soon as it says so", v2(0x21, 0x11, [], 5_345)],
  ])("%s", (_name, bytes) => {
    expect(readProxyHeader(bytes)).toBe("malformed");
  });

  test("is known at the first wrong byte", () => {
    expect(readProxyHeader(v1("PROXX"))).toBe("malformed");
    expect(readProxyHeader(Uint8Array.of(13, 10, 13, 13))).toBe("malformed");
    expect(readProxyHeader(v2(0x21, 0x11, [], 0).subarray(0, 12))).toBeUndefined();
    expect(readProxyHeader(v2(0x11, 0x11, [], 0).subarray(0, 13))).toBe("malformed");
  });
});

describe("what we write is what we read", () => {
  const ends = [
    ["10.1.2.3", "10.4.5.6"],
    ["2001:db8::1", "::1"],
    ["10.1.2.3", "2001:db8::1"],
    ["2001:db8::1", "10.1.2.3"],
  ] as const;
  test.each([1, 2] as const)("version %d", (version) => {
    for (const [remoteAddress, localAddress] of ends) {
      const source = { address: remoteAddress, port: 65_535 };
      const header = encodeProxyHeader(version, source, { address: localAddress, port: 80 });
      const addresses = { remoteAddress, remotePort: 65_535, localAddress, localPort: 80 };
      expect(readProxyHeader(header)).toEqual({ length: header.length, addresses });
      expect(header.length).toBeLessThanOrEqual(107);
    }
    const unknown = encodeProxyHeader(version, { address: "", port: 0 }, { address: "10.0.0.1", port: 1 });
    expect(readProxyHeader(unknown)).toEqual({ length: unknown.length, addresses: undefined });
  });

  test("byte for byte", () => {
    const [from, to] = [
      { address: "192.168.0.1", port: 56_308 },
      { address: "10.0.0.2", port: 443 },
    ];
    expect(Buffer.from(encodeProxyHeader(1, from, to)).toString()).toBe(
      "PROXY TCP4 192.168.0.1 10.0.0.2 56308 443\r\n",
    );
    expect(encodeProxyHeader(2, from, to)).toEqual(v2(0x21, 0x11, ipv4));
  });
});

/** Seconds for the default; WEFT_MUTATIONS=10000000 takes minutes. */
const mutations = Number(process.env["WEFT_MUTATIONS"] ?? 20_000);

test("mutations: the same verdict whole and growing, and only addresses that are some", () => {
  const seed = Number(process.env["WEFT_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const originals = good.map(([, header]) => header).filter((header) => header.length < 200);
  const counts = { header: 0, malformed: 0, more: 0 };
  for (let round = 0; round < mutations; round++) {
    const bytes = Uint8Array.from(originals[round % originals.length] ?? []);
    for (let n = random(3); n >= 0; n--) bytes[random(bytes.length)] = random(256);
    const verdict = readProxyHeader(bytes);
    const where = `seed ${seed}, round ${round}: ${Buffer.from(bytes).toString("hex")}`;
    const early: Verdict = readProxyHeader(bytes.slice(0, random(bytes.length)));
    if (early !== undefined && !Bun.deepEquals(early, verdict)) throw new Error(where);
    if (verdict === undefined) counts.more++;
    else if (verdict === "malformed") counts.malformed++;
    else {
      counts.header++;
      const { addresses, length } = verdict;
      if (length > bytes.length) throw new Error(where);
      if (addresses !== undefined && !/^[\da-f.:]+$/.test(addresses.remoteAddress)) throw new Error(where);
    }
  }
  expect(Math.min(counts.header, counts.malformed, counts.more)).toBeGreaterThan(100);
}, 3_600_000);
