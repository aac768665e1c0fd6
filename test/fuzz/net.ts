/** What is read of a connection before its protocol is known, under damage: PROXY headers, ClientHellos, first bytes. */
import { ClientHelloReader } from "../../src/net/client-hello.ts";
import { detectProtocol } from "../../src/net/detect-protocol.ts";
import { encodeProxyHeader } from "../../src/net/encode-proxy-header.ts";
import { readProxyHeader } from "../../src/net/proxy-header.ts";
import {
  alpnExtension,
  defaultExtensions,
  extension,
  helloMessage,
  inRecords,
  serverNameExtension,
  supportedVersions,
} from "../../src/net/testdata/hellos.ts";
import { mustHold } from "./must-hold.ts";
import { mutate, type Random } from "./mutate.ts";
import { randomCuts } from "./random-cuts.ts";

const v4 = { address: "192.168.0.1", port: 56_308 };
const v6 = { address: "2001:db8::1", port: 443 };

const extended = Uint8Array.of(
  ...encodeProxyHeader(2, v4, v4).subarray(0, 15),
  ...[19, ...encodeProxyHeader(2, v4, v4).subarray(16), 4, 0, 4, 1, 2, 3, 4],
);
const proxyHeaders: readonly Uint8Array[] = [
  encodeProxyHeader(1, v4, v4),
  encodeProxyHeader(1, v6, v6),
  encodeProxyHeader(2, v4, v4),
  encodeProxyHeader(2, v6, v6),
  encodeProxyHeader(2, { address: "@socket", port: 0 }, v6),
  extended,
  Buffer.from("PROXY UNKNOWN\r\n", "latin1"),
  Buffer.from("PROXY UNKNOWN 1.2.3.4 1.2.3.4 1 2\r\nGET / HTTP/1.1\r\n", "latin1"),
];

const hellos: readonly Uint8Array[] = [
  inRecords(helloMessage()),
  inRecords(helloMessage(), 40),
  inRecords(helloMessage({ extensions: null })),
  inRecords(helloMessage({ sessionId: [], extensions: [serverNameExtension("a.b"), supportedVersions] })),
  inRecords(helloMessage({ extensions: [...defaultExtensions(), extension(13, [0, 4, 4, 3, 8, 4])] }), 90),
  inRecords(helloMessage({ extensions: [alpnExtension("http/1.1"), extension(0xfe0d, [0, 0, 1, 0])] })),
];

const openings: readonly Uint8Array[] = [
  ...proxyHeaders,
  ...hellos,
  ...[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /a?b=c HTTP/1.0\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET key\r\n",
    "*1\r\n$4\r\nPING\r\n",
    "EHLO example.com\r\n",
    `VERSION-CONTROL /${"a".repeat(300)} HTTP/1.1\n`,
  ].map((text) => Buffer.from(text, "latin1")),
];

export const netTargets = { proxyHeader, clientHello, detection } as const;

/** One verdict, however often it is asked for on the way; and addresses that are written as they were read. */
function proxyHeader(random: Random, inputs: number): number {
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(proxyHeaders);
    const input = mutate(random, seed, random.pick(proxyHeaders));
    const whole = readProxyHeader(input);
    for (const cut of randomCuts(random, input.length)) {
      const part = readProxyHeader(input.subarray(0, cut));
      if (part === undefined) continue;
      mustHold(JSON.stringify(part) === JSON.stringify(whole), "the cut makes a difference", input);
      break;
    }
    if (whole === undefined || whole === "malformed") continue;
    valid++;
    mustHold(whole.length <= input.length, "longer than what came", input);
    if (whole.addresses === undefined) continue;
    const { remoteAddress, remotePort, localAddress, localPort } = whole.addresses;
    const source = { address: remoteAddress, port: remotePort };
    const destination = { address: localAddress, port: localPort };
    for (const version of [1, 2] as const) {
      const again = readProxyHeader(encodeProxyHeader(version, source, destination));
      const isSame =
        typeof again === "object" && JSON.stringify(again.addresses) === JSON.stringify(whole.addresses);
      mustHold(isSame, `read otherwise when written in version ${version}`, input);
    }
  }
  return valid;
}

/** The same hello or alert, however the records come in; and no name that the client did not write. */
function clientHello(random: Random, inputs: number): number {
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(hellos);
    const input = mutate(random, seed, random.pick(hellos));
    const whole = new ClientHelloReader().read(input);
    const reader = new ClientHelloReader();
    let cutVerdict: typeof whole;
    for (const cut of randomCuts(random, input.length)) cutVerdict ??= reader.read(input.subarray(0, cut));
    mustHold(JSON.stringify(cutVerdict) === JSON.stringify(whole), "the cut makes a difference", input);
    if (whole?.kind !== "hello") continue;
    valid++;
    const { serverName } = whole;
    if (serverName === undefined) continue;
    const written = fragmentsOf(input).toString("latin1").toLowerCase();
    mustHold(written.includes(serverName), "a name that nobody wrote", input);
  }
  return valid;
}

/** What whole records hold. */
function fragmentsOf(bytes: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + (((bytes[at + 3] ?? 0) << 8) | (bytes[at + 4] ?? 0));
    pieces.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(pieces);
}

/** The first verdict is the one that all bytes together get. */
function detection(random: Random, inputs: number): number {
  let decided = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(openings);
    const input = mutate(random, seed, random.pick(openings));
    const whole = detectProtocol(input);
    if (whole !== "more" && whole !== "tcp") decided++;
    for (const cut of randomCuts(random, input.length)) {
      const part = detectProtocol(input.subarray(0, cut));
      if (part === "more") continue;
      mustHold(part === whole, `${part} at ${cut}, ${whole} in the end`, input);
      break;
    }
  }
  return decided;
}
