/** The DNS codec: what it reads, what it refuses, and that no bytes make it throw. */
import { describe, expect, test } from "bun:test";
import {
  type DnsFault,
  type DnsQuery,
  dnsTypes,
  encodeDnsAnswer,
  encodeDnsFault,
  parseDnsQuery,
  rcodes,
  truncateDnsAnswer,
} from "./dns-message.ts";

/** A query as resolvers write it. `labels` go in as they are. */
function query(
  name: string,
  type: number,
  options: { edns?: number; flags?: number; id?: number } = {},
): Uint8Array {
  const labels = name === "" ? [] : name.split(".");
  const bytes: number[] = [];
  const u16 = (value: number): void => void bytes.push(value >> 8, value & 0xff);
  u16(options.id ?? 0x1234);
  u16(options.flags ?? 0x0100);
  u16(1);
  u16(0);
  u16(0);
  u16(options.edns === undefined ? 0 : 1);
  for (const label of labels) bytes.push(label.length, ...Buffer.from(label, "latin1"));
  bytes.push(0);
  u16(type);
  u16(1);
  if (options.edns !== undefined) {
    bytes.push(0);
    u16(41);
    u16(options.edns);
    bytes.push(0, 0, 0, 0, 0, 0);
  }
  return Uint8Array.from(bytes);
}

function parsed(bytes: Uint8Array): DnsQuery {
  const result = parseDnsQuery(bytes);
  if (result === undefined || "rcode" in result) throw new Error(`not a query: ${JSON.stringify(result)}`);
  return result;
}

function fault(bytes: Uint8Array): DnsFault | undefined {
  const result = parseDnsQuery(bytes);
  if (result !== undefined && !("rcode" in result)) throw new Error("taken for a query");
  return result;
}

describe("parseDnsQuery", () => {
  test("reads name, type and EDNS size, in lower case", () => {
    expect(parsed(query("ReViews.Default", dnsTypes.aaaa, { edns: 4_096 }))).toMatchObject({
      id: 0x1234,
      name: "reviews.default",
      type: dnsTypes.aaaa,
      recursionDesired: true,
      maxUdpBytes: 1_232,
      hasEdns: true,
    });
    expect(parsed(query("a", dnsTypes.a)).maxUdpBytes).toBe(512);
  });

  test.each([
    ["a response", query("a", 1, { flags: 0x8000 }), undefined],
    ["an update", query("a", 1, { flags: 0x2800 }), rcodes.notImplemented],
    [
      "a compressed question",
      Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c, 0, 1, 0, 1),
      rcodes.formatError,
    ],
    [
      "a dot inside a label",
      Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 97, 46, 98, 0, 0, 1, 0, 1),
      rcodes.formatError,
    ],
    ["a name over 255 bytes", query(Array(5).fill("a".repeat(60)).join("."), 1), rcodes.formatError],
    ["too short", Uint8Array.of(1, 2, 3), undefined],
  ])("refuses %s", (_what, bytes, rcode) => {
    expect(fault(bytes)?.rcode).toBe(rcode);
  });

  test("never throws, whatever the bytes", () => {
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const base = query("reviews.default.svc.cluster.local", dnsTypes.a, { edns: 1_232 });
    let queries = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = base.slice(0, random(4) === 0 ? random(base.length + 1) : base.length);
      for (let i = random(4); i > 0 && bytes.length > 0; i--) bytes[random(bytes.length)] = random(256);
      const result = parseDnsQuery(bytes);
      if (result === undefined) continue;
      if ("rcode" in result) {
        encodeDnsFault(result);
      } else {
        queries++;
        const answer = encodeDnsAnswer(result, {
          rcode: rcodes.ok,
          addresses: ["10.0.0.1", "::1"],
          ttlSeconds: 5,
          maxBytes: result.maxUdpBytes,
        });
        expect(answer.length).toBeLessThanOrEqual(result.maxUdpBytes);
      }
    }
    expect(queries).toBeGreaterThan(1_000);
  });
});

describe("encodeDnsAnswer", () => {
  const addresses = ["10.0.0.1", "fd77::1", "10.0.0.2"];

  test.each([
    [dnsTypes.a, 2],
    [dnsTypes.aaaa, 1],
    [16, 0],
  ])("a query of type %d gets %d records", (type, count) => {
    const request = parsed(query("a.b", type));
    const answer = encodeDnsAnswer(request, { rcode: rcodes.ok, addresses, ttlSeconds: 60, maxBytes: 512 });
    const view = new DataView(answer.buffer);
    expect(view.getUint16(0)).toBe(0x1234);
    expect(view.getUint16(2) & 0x800f).toBe(0x8000);
    expect(view.getUint16(6)).toBe(count);
    expect(answer.subarray(12, 12 + request.question.length)).toEqual(request.question);
  });

  test("puts the address and its time to live into the record", () => {
    const request = parsed(query("a", dnsTypes.a));
    const answer = encodeDnsAnswer(request, {
      rcode: rcodes.ok,
      addresses: ["10.1.2.3"],
      ttlSeconds: 60,
      maxBytes: 512,
    });
    expect([...answer.subarray(-16)]).toEqual([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3]);
  });

  test("sets TC where not all records fit", () => {
    const request = parsed(query("a", dnsTypes.aaaa));
    const many = Array.from({ length: 60 }, (_, i) => `fd77::${(i + 1).toString(16)}`);
    const answer = encodeDnsAnswer(request, {
      rcode: rcodes.ok,
      addresses: many,
      ttlSeconds: 1,
      maxBytes: 512,
    });
    expect(answer.length).toBeLessThanOrEqual(512);
    expect((answer[2] ?? 0) & 0x02).toBe(0x02);
  });

  test("a forwarded answer that is too long is cut to its question", () => {
    const request = parsed(query("a", dnsTypes.a));
    const cut = truncateDnsAnswer(request, new Uint8Array(2_000));
    expect(cut.length).toBe(12 + request.question.length);
    expect((cut[2] ?? 0) & 0x02).toBe(0x02);
  });
});
