/** Fields of one hop, expectations, upgrades and what may follow on the connection: RFC 9110 7.6, 7.8, 10.1 and RFC 9112 9. */
import { accepted, get, host, post, refused, says, smuggled, type Vector } from "./vector.ts";

const ok = "GET / none keep";

function nominated(name: string, line = ""): Vector {
  return refused(
    `9110 7.6.1: Connection that names ${name}`,
    get(`${host}${line}Connection: ${name}\r\n`),
    says.badConnection,
  );
}

export const connectionVectors: readonly Vector[] = [
  nominated("Transfer-Encoding", ""),
  nominated("Authorization", "Authorization: x\r\n"),
  nominated("Cookie", "Cookie: a=b\r\n"),
  refused(
    "9110 7.6.1: Connection that names Host among others",
    get(`${host}Connection: close, X, HOST\r\n`),
    says.badConnection,
  ),
  refused(
    "9110 7.6.1: Connection that names a coding and its length",
    post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    says.badConnection,
  ),
  refused(
    "9110 7.6.1: Connection option in quotes",
    get(`${host}Connection: "close"\r\n`),
    says.badConnection,
  ),
  refused(
    "9110 7.6.1: Connection option with a semicolon",
    get(`${host}Connection: close;x\r\n`),
    says.badConnection,
  ),
  refused(
    "9110 7.6.1: Connection option with obs-text",
    get(`${host}Connection: \xfc\r\n`),
    says.badConnection,
  ),
  accepted("9110 7.6.1: empty Connection", get(`${host}Connection:\r\n`), ok),
  accepted("9110 7.6.1: Connection of empty elements", get(`${host}Connection: , ,\r\n`), ok),
  accepted(
    "9110 7.6.1: field that Connection names",
    get(`${host}X-Hop: 1\r\nConnection: x-hop\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted(
    "9110 7.6.1: field that Connection names before it stands",
    get(`${host}Connection: X-Hop\r\nx-hop: 1\r\nX-HOP: 2\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted(
    "9110 7.6.1: fields that two Connections name",
    get(`${host}Connection: X-A\r\nX-A: 1\r\nConnection: X-B\r\nX-B: 2\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted("9110 7.6.1: option that names no field", get(`${host}Connection: x-none\r\nX-End: 2\r\n`), ok),
  accepted(
    "9110 7.6.1: Keep-Alive is one hop's",
    get(`${host}Keep-Alive: timeout=9, max=9\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted(
    "9110 7.6.1: Proxy-Connection is one hop's",
    get(`${host}Proxy-Connection: keep-alive\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted("9110 10.1.4: TE is one hop's", get(`${host}TE: gzip\r\nConnection: TE\r\nX-End: 2\r\n`), ok),
  accepted("9110 10.1.4: TE that accepts trailers", get(`${host}TE: trailers\r\nConnection: TE\r\n`), ok),
  accepted("9110 7.6.2: Max-Forwards is no hop's", get(`${host}Max-Forwards: 0\r\n`), ok),
  // Expectations.
  accepted(
    "9110 10.1.1: unknown expectation",
    post("Expect: x-magic\r\nContent-Length: 2\r\n", "hi"),
    'POST / length keep "hi"',
  ),
  accepted(
    "9110 10.1.1: expectation without content",
    get(`${host}Expect: 100-continue\r\n`),
    "GET / none keep expect",
  ),
  accepted(
    "9110 10.1.1: expectation with chunked content",
    post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"),
    'POST / chunked keep expect "hi"',
  ),
  accepted(
    "9110 10.1.1: expectation and close",
    post("Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n", "hi"),
    'POST / length close expect "hi"',
  ),
  // Upgrades.
  accepted(
    "9110 7.8: upgrade to h2c ends at this hop",
    get(
      `${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nX-End: 2\r\n`,
    ),
    ok,
  ),
  accepted(
    "9110 7.8: upgrade to h2c in other case",
    get(`${host}Connection: upgrade\r\nUpgrade: H2C\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted(
    "9110 7.8: upgrade to h2c among others",
    get(`${host}Connection: upgrade\r\nUpgrade: websocket, h2c\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted(
    "9110 7.8: upgrade to h2c on a second line",
    get(`${host}Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted(
    "9110 7.8: HTTP2-Settings that Connection does not name",
    get(`${host}HTTP2-Settings: AAMAAABkAAQAAP__\r\nX-End: 2\r\n`),
    ok,
  ),
  accepted(
    "9110 7.8: Connection that names a missing Upgrade",
    get(`${host}Connection: Upgrade\r\nX-End: 2\r\n`),
    ok,
  ),
  // What follows.
  accepted(
    "9112 9.3: HTTP/1.0 with keep-alive in a list",
    `GET / HTTP/1.0\r\n${host}Connection: x, Keep-Alive\r\n\r\n`,
    "GET / none keep",
  ),
  accepted(
    "9112 9.3: HTTP/1.0 with close",
    `GET / HTTP/1.0\r\n${host}Connection: close\r\n\r\n`,
    "GET / none close",
  ),
  accepted(
    "9112 9.3: close on the second Connection",
    get(`${host}Connection: x\r\nConnection: close\r\n`),
    "GET / none close",
  ),
  accepted(
    "9112 9.3: Keep-Alive without Connection in HTTP/1.0",
    `GET / HTTP/1.0\r\n${host}Keep-Alive: timeout=9\r\n\r\n`,
    "GET / none close",
  ),
  accepted("9112 9.3.2: five pipelined", get(host).repeat(5), ok, ok, ok, ok, ok),
  accepted(
    "9112 9.3.2: pipelined with content",
    post("Content-Length: 2\r\n", "hi").repeat(3),
    'POST / length keep "hi"',
    'POST / length keep "hi"',
    'POST / length keep "hi"',
  ),
  accepted(
    "9112 9.6: request behind close",
    `${get(`${host}Connection: close\r\n`)}${smuggled}`,
    "GET / none close",
    "GET /smuggled none keep",
  ),
  accepted(
    "9112 9.6: request behind HTTP/1.0",
    `GET / HTTP/1.0\r\n${host}\r\n${smuggled}`,
    "GET / none close",
    "GET /smuggled none keep",
  ),
  accepted(
    "9112 9.6: garbage behind close",
    `${get(`${host}Connection: close\r\n`)}\x00\x01\x02\r\n\r\n`,
    "GET / none close",
    `! malformed_request: ${says.badMethod}`,
  ),
  {
    title: "9112 9.3.2: malformed behind a good one",
    raw: `${get(host)}GET / HTTP/1.1\r\nHost : a\r\n\r\n${smuggled}`,
    outcome: [ok, `! malformed_request: ${says.spaceBeforeColon}`],
  },
  {
    title: "9112 9.3.2: two lengths behind a good one",
    raw: `${get(host)}${post("Content-Length: 1\r\nContent-Length: 2\r\n", `ab${smuggled}`)}`,
    outcome: [ok, `! malformed_request: ${says.repeatedLength}`],
  },
  {
    title: "9112 2.2: two empty lines between requests",
    raw: `${get(host)}\r\n\r\n${smuggled}`,
    outcome: [ok, "! malformed_request: more than one empty line before the start line"],
  },
  {
    title: "9112 6.3: more content than its length",
    raw: post("Content-Length: 2\r\n", "hi, and more\r\n\r\n"),
    outcome: ['POST / length keep "hi"', `! malformed_request: ${says.badMethod}`],
  },
  {
    title: "9112 6.3: content without a length",
    raw: post("", "hello\r\n\r\n"),
    outcome: ["POST / none keep", `! malformed_request: ${says.badMethod}`],
  },
  {
    title: "9112 8: FIN within a field line",
    raw: `GET / HTTP/1.1\r\n${host}X: `,
    fin: true,
    outcome: ["! client_closed: closed in the middle of a request"],
  },
  {
    title: "9112 8: FIN before the empty line",
    raw: `GET / HTTP/1.1\r\n${host}`,
    fin: true,
    outcome: ["! client_closed: closed in the middle of a request"],
  },
  {
    title: "9112 8: FIN instead of content",
    raw: post("Content-Length: 5\r\n"),
    fin: true,
    outcome: ["POST / length keep ?", "! client_closed: closed in the middle of a request"],
  },
];
