/** What a vector's parser outcome alone does not tell about a proxy, by the vector's title. */
import { get, host, post } from "../../../src/http1/testdata/vector.ts";
import type { Expectation } from "./outcome.ts";

export type Override = Partial<Expectation>;

const atHop = (...names: string[]): Override => ({ lacks: names, has: ["x-end: 2"] });
/** A gateway serves no tunnels to places of the client's choice. */
const noTunnel: Override = { seen: [], answers: ["501"], connection: "closed", isRefused: true };
const firstOnly: Override = {
  seen: ["GET /"],
  answers: ['200 "ok"'],
  connection: "closed",
  isRefused: false,
};

/** Who says this could not read an answer. */
const unanswered: Override = { seen: [], answers: [], connection: "closed", isRefused: true };

export const requestOverrides: Readonly<Record<string, Override>> = {
  "9112 3: TLS in plaintext": unanswered,
  "9112 2.3: version without a slash": unanswered,
  "9113 3.4: preface of HTTP/2": { skip: "HTTP/2 may be spoken on the same port" },
  "9112 9.6: FIN between requests": {
    skip: "whether a client that ends its side still waits is a proxy's policy",
  },
  "9112 3.2.3: authority form": noTunnel,
  "9112 3.2.3: authority form, Host without port": noTunnel,
  "9112 3.2.3: CONNECT to an IPv6 address": noTunnel,
  "9112 9.6: request behind close": firstOnly,
  "9112 9.6: request behind HTTP/1.0": firstOnly,
  "9112 9.6: garbage behind close": firstOnly,
  "9110 7.6.1: field that Connection names": atHop("x-hop", "connection"),
  "9110 7.6.1: field that Connection names before it stands": atHop("x-hop"),
  "9110 7.6.1: fields that two Connections name": atHop("x-a", "x-b"),
  "9110 7.6.1: option that names no field": atHop("connection: x-none"),
  "9110 7.6.1: Keep-Alive is one hop's": atHop("keep-alive"),
  "9110 7.6.1: Proxy-Connection is one hop's": atHop("proxy-connection"),
  "9110 10.1.4: TE is one hop's": atHop("te: gzip"),
  "9110 7.6.2: Max-Forwards is no hop's": { has: ["max-forwards: 0"] },
  "9110 7.8: upgrade": { has: ["upgrade: websocket", "connection: upgrade"] },
  "9110 7.8: Upgrade that Connection does not name": { lacks: ["upgrade"] },
  "9110 7.8: upgrade in HTTP/1.0": { lacks: ["upgrade"] },
  "9110 7.8: upgrade to h2c ends at this hop": { skip: "weft takes it, and answers over HTTP/2" },
  "9110 7.8: upgrade to h2c in other case": atHop("upgrade"),
  "9110 7.8: upgrade to h2c among others": atHop("upgrade: websocket, h2c", "upgrade: h2c"),
  "9110 7.8: upgrade to h2c on a second line": atHop("upgrade: h2c"),
  "9110 7.8: HTTP2-Settings that Connection does not name": atHop("http2-settings"),
  "9110 7.8: Connection that names a missing Upgrade": atHop("connection: upgrade"),
  "9110 10.1.1: expectation in HTTP/1.0": { lacks: ["expect"] },
  "9110 5.3: repeated fields": { has: ["x: a", "x: b", "x: c"] },
  "9110 5.5: obs-text in a value": { has: ["x: \xfc"] },
  "9110 5.5: tab inside a value": { has: ["x: a\tb"] },
  "9110 5.5: UTF-8 in a value": { has: ["x: \xc3\xa4"] },
};

const earlyPost: Override = {
  early: { head: post("Content-Length: 5\r\n", "he"), content: "llo" },
};

export const responseOverrides: Readonly<Record<string, Override>> = {
  "9112 8: until close, not closed yet": { skip: "an answer without an end" },
  "9112 6.3: HEAD": { skip: "two answers at once: the second would be unasked" },
  "9112 9.3.2: pipelined": { skip: "two answers at once: the second would be unasked" },
  "9112 6.3: tunnel": { skip: "CONNECT" },
  "9112 6.3: tunnel refused": { skip: "CONNECT" },
  "9110 7.6.1: fields of one hop in a response": atHop("x-hop", "proxy-connection", "keep-alive: timeout=9"),
  "9110 7.8: Upgrade in a 200": { lacks: ["upgrade"] },
  "9110 15.5.22: Upgrade in a 426": { has: ["upgrade: websocket"] },
  "9112 9.5: answer before the content": earlyPost,
  "9112 9.5: answer before the chunked content": {
    early: { head: post("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n"), content: "3\r\nllo\r\n0\r\n\r\n" },
  },
  "9112 9.6: answer and close before the content": earlyPost,
  "9112 9.5: malformed answer before the content": earlyPost,
  "9110 5.3: Set-Cookie twice": { has: ["set-cookie: a=b", "set-cookie: c=d"] },
  "9110 5.5: obs-text in a value of a response": { has: ["a: \xfc"] },
};

/** The request that makes the upstream answer with a response vector. */
export function askingRequest(method: string, asksForUpgrade: boolean): string {
  const upgrade = asksForUpgrade ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : "";
  return get(`${host}${upgrade}`).replace("GET", method);
}
