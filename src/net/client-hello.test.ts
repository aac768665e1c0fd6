/** What a ClientHello says, however it is cut; and that nothing but a well-formed one says anything. */
import { describe, expect, test } from "bun:test";
import { type BadHello, ClientHelloReader, tlsAlerts } from "./client-hello.ts";
import type { ClientHello } from "./client-hello-body.ts";
import {
  alpnExtension,
  defaultExtensions,
  extension,
  type HelloParts,
  helloMessage,
  inRecords,
  serverNameExtension,
  supportedVersions,
  u16,
} from "./testdata/hellos.ts";

type Verdict = ClientHello | BadHello | undefined;

function readWhole(bytes: Uint8Array): Verdict {
  return new ClientHelloReader().read(bytes);
}

/** Cut at the given places: the verdict, and after how many bytes it came. */
function readCut(bytes: Uint8Array, cuts: readonly number[]): { verdict: Verdict; after: number } {
  const reader = new ClientHelloReader();
  for (const cut of [...cuts, bytes.length]) {
    const verdict = reader.read(bytes.slice(0, cut));
    if (verdict !== undefined) return { verdict, after: cut };
  }
  return { verdict: undefined, after: bytes.length };
}

const everyByte = (bytes: Uint8Array): number[] => Array.from(bytes, (_, i) => i + 1);

const expected: ClientHello = {
  kind: "hello",
  serverName: "web.example.com",
  alpn: ["h2", "http/1.1"],
  offersTls13: true,
  cipherSuites: [0x0a0a, 0x1301, 0xc02b],
  signatureSchemes: [],
  hasEncryptedHello: false,
};

test("what a client can verify is read", () => {
  const schemes = extension(13, [0, 4, 0x04, 0x03, 0x08, 0x04]);
  const said = readWhole(inRecords(helloMessage({ extensions: [schemes] })));
  expect(said).toMatchObject({ signatureSchemes: [0x0403, 0x0804] });
  const odd = helloMessage({ extensions: [extension(13, [0, 3, 4, 3, 8])] });
  expect(readWhole(inRecords(odd))).toMatchObject({ kind: "bad" });
});

describe("a well-formed hello", () => {
  const message = helloMessage();

  test("is read at every split, and byte by byte, at its last byte and no earlier", () => {
    const bytes = inRecords(message);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(readCut(bytes, [cut])).toEqual({ verdict: expected, after: bytes.length });
    }
    expect(readCut(bytes, everyByte(bytes))).toEqual({ verdict: expected, after: bytes.length });
  });

  test("is read in records of every size", () => {
    for (let size = 1; size <= message.length; size++) {
      const bytes = inRecords(message, size);
      expect(readWhole(bytes)).toEqual(expected);
      expect(readCut(bytes, everyByte(bytes)).verdict).toEqual(expected);
    }
  });

  test("may have anything behind its record", () => {
    expect(readWhole(Uint8Array.of(...inRecords(message), 23, 3, 3, 0, 1, 0xff))).toEqual(expected);
  });

  test.each<[string, HelloParts, Partial<ClientHello>]>([
    ["no extensions", { extensions: null }, { serverName: undefined, alpn: [], offersTls13: false }],
    [
      "an empty list of extensions",
      { extensions: [] },
      { serverName: undefined, alpn: [], offersTls13: false },
    ],
    ["no session id", { sessionId: [] }, {}],
    ["other compressions too", { compressions: [1, 0] }, {}],
    [
      "only TLS 1.2",
      { extensions: [extension(43, [2, 3, 3])] },
      { serverName: undefined, alpn: [], offersTls13: false },
    ],
    [
      "an encrypted hello",
      { extensions: [...defaultExtensions(), extension(0xfe0d, [0, 1, 2])] },
      { hasEncryptedHello: true },
    ],
    [
      "a name of one label",
      { extensions: [serverNameExtension("LOCALHOST")] },
      { serverName: "localhost", alpn: [], offersTls13: false },
    ],
    ["a name with an underscore", { extensions: defaultExtensions("my_app.x") }, { serverName: "my_app.x" }],
    [
      "a name of digits and letters",
      { extensions: defaultExtensions("1.2.3.4x") },
      { serverName: "1.2.3.4x" },
    ],
    [
      "a name of 253 bytes",
      { extensions: defaultExtensions(`${"a".repeat(62)}.`.repeat(4) + "b") },
      { serverName: `${"a".repeat(62)}.`.repeat(4) + "b" },
    ],
  ])("%s", (_name, parts, difference) => {
    expect(readWhole(inRecords(helloMessage(parts)))).toEqual({ ...expected, ...difference });
  });

  test("of nearly 16 KiB is read, a larger one is refused as soon as it says so", () => {
    const padding = (count: number): HelloParts => ({
      extensions: [...defaultExtensions(), extension(21, Array<number>(count).fill(0))],
    });
    const base = helloMessage(padding(0)).length;
    expect(readWhole(inRecords(helloMessage(padding(16_384 - base))))).toEqual(expected);
    const large = inRecords(helloMessage(padding(16_385 - base)), 100);
    expect(readCut(large, everyByte(large))).toEqual({
      verdict: { kind: "bad", alert: tlsAlerts.decodeError },
      after: 105,
    });
  });

  test("is what Bun's own client sends", async () => {
    const first = Promise.withResolvers<Uint8Array>();
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (_socket, chunk) => first.resolve(Uint8Array.from(chunk)) },
    });
    const client = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port,
      tls: { serverName: "Some.Where", ALPNProtocols: Buffer.from("\x02h2", "latin1") },
      socket: { data() {} },
    });
    const bytes = await first.promise;
    expect(readCut(bytes, everyByte(bytes)).verdict).toMatchObject({
      serverName: "some.where",
      alpn: ["h2"],
      offersTls13: true,
    });
    client.terminate();
    server.stop(true);
  });
});

describe("refused", () => {
  const decodeError = tlsAlerts.decodeError;
  const message = helloMessage();

  test.each<[string, readonly number[] | Uint8Array, number | undefined]>([
    ["HTTP", [...Buffer.from("GET / HTTP/1.1\r\n\r\n")], undefined],
    ["a first byte that is no handshake", [21, 3, 1, 0, 2, 2, 40], undefined],
    ["a version that no TLS has", [22, 2], undefined],
    ["an empty record", [22, 3, 1, 0, 0], tlsAlerts.unexpectedMessage],
    ["a record beyond 16 KiB", [22, 3, 1, 0x40, 1], tlsAlerts.recordOverflow],
    ["another handshake message", [22, 3, 1, 0, 4, 2, 0, 0, 0], tlsAlerts.unexpectedMessage],
    ["another record amid the hello", [...inRecords(message.slice(0, 50)), 23], tlsAlerts.unexpectedMessage],
    ["another version amid the hello", [...inRecords(message.slice(0, 50)), 22, 2], decodeError],
    ["more behind the hello in its record", inRecords([...message, 1]), tlsAlerts.unexpectedMessage],
    ["an empty hello", [22, 3, 1, 0, 4, 1, 0, 0, 0], decodeError],
    ["a message beyond the bound", [22, 3, 1, 0, 4, 1, 1, 0, 0], decodeError],
  ])("%s", (_name, bytes, alert) => {
    expect(readWhole(Uint8Array.from(bytes))).toEqual({ kind: "bad", alert });
  });

  test("a hello in more crumbs than the bound", () => {
    const long = helloMessage({ extensions: [extension(21, Array<number>(16_000).fill(0))] });
    expect(readWhole(inRecords(long, 2))).toEqual({ kind: "bad", alert: decodeError });
  });

  const names = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "-a",
    "a-",
    "a b",
    "a\0b",
    "1.2.3.4",
    "a.1",
    "::1",
    "ä",
    `${"a".repeat(64)}.b`,
    "a.".repeat(127),
  ];

  test.each<[string, HelloParts]>([
    ["a version before SSL 3", { version: [2, 0] }],
    ["a session id of 33 bytes", { sessionId: Array<number>(33).fill(0) }],
    ["no suites", { suites: [] }],
    ["half a suite", { suites: [0x13, 1, 0] }],
    ["no compression", { compressions: [] }],
    ["not the null compression", { compressions: [1] }],
    ["something behind the extensions", { behind: [0] }],
    ["half a length of extensions", { extensions: null, behind: [0] }],
    ["an extension beyond the list", { extensions: [[...u16(43), ...u16(9), 0]] }],
    ["half an extension", { extensions: [[0]] }],
    ["an extension twice", { extensions: [supportedVersions, supportedVersions] }],
    ["two lists of names", { extensions: [serverNameExtension("a.b"), serverNameExtension("c.d")] }],
    ["two names", { extensions: [serverNameExtension("a.b", "c.d")] }],
    ["no name", { extensions: [extension(0, [0, 0])] }],
    ["an empty extension of names", { extensions: [extension(0, [])] }],
    ["another type of name", { extensions: [extension(0, [0, 4, 1, 0, 1, 0x61])] }],
    ["something behind the list of names", { extensions: [extension(0, [0, 4, 0, 0, 1, 0x61, 0])] }],
    ["a name beyond its list", { extensions: [extension(0, [0, 4, 0, 0, 2, 0x61])] }],
    ["no protocol", { extensions: [alpnExtension()] }],
    ["an empty protocol", { extensions: [alpnExtension("h2", "")] }],
    ["a protocol beyond its list", { extensions: [extension(16, [0, 2, 2, 0x68])] }],
    ["something behind the list of protocols", { extensions: [extension(16, [0, 2, 1, 0x68, 0])] }],
    ["no version", { extensions: [extension(43, [0])] }],
    ["half a version", { extensions: [extension(43, [3, 3, 4, 3])] }],
    ["something behind the versions", { extensions: [extension(43, [2, 3, 4, 0])] }],
    ...names.map((name): [string, HelloParts] => [
      `the name ${JSON.stringify(name)}`,
      { extensions: [serverNameExtension(name)] },
    ]),
  ])("%s", (_name, parts) => {
    expect(readWhole(inRecords(helloMessage(parts)))).toEqual({ kind: "bad", alert: decodeError });
  });
});

/** Seconds for the default; WEFT_MUTATIONS=10000000 takes minutes. */
const mutations = Number(process.env["WEFT_MUTATIONS"] ?? 20_000);

test("mutations: the same verdict whole and in pieces, and no name that is none", () => {
  const seed = Number(process.env["WEFT_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const originals = [inRecords(helloMessage()), inRecords(helloMessage(), 40)];
  const counts = { hello: 0, bad: 0, more: 0 };
  for (let round = 0; round < mutations; round++) {
    const bytes = Uint8Array.from(originals[round % 2] ?? []);
    for (let n = random(4); n >= 0; n--) bytes[random(bytes.length)] = random(256);
    const whole = readWhole(bytes);
    const cut = random(bytes.length);
    const pieces = readCut(bytes, [cut, cut + random(bytes.length - cut)]).verdict;
    if (!Bun.deepEquals(whole, pieces))
      throw new Error(`seed ${seed}, round ${round}: ${Buffer.from(bytes).toString("hex")}`);
    if (whole?.kind === "hello" && !/^[a-z0-9_.-]+$/.test(whole.serverName ?? "-"))
      throw new Error(`seed ${seed}, round ${round}`);
    counts[whole?.kind ?? "more"]++;
  }
  expect(Math.min(counts.hello, counts.bad, counts.more)).toBeGreaterThan(100);
}, 3_600_000);
