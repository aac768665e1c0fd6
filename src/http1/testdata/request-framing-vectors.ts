/** Raw requests whose framing and connection fields are at stake, each with its section and one right outcome. */
import { accepted, get, host, post, refused, says, type Vector } from "./vector.ts";

export const requestFramingVectors: readonly Vector[] = [
  // Length.
  accepted("9112 6.2: content-length", post("Content-Length: 5\r\n", "hello"), 'POST / length keep "hello"'),
  accepted("9112 6.2: content-length of zero", post("Content-Length: 0\r\n"), "POST / length keep"),
  accepted(
    "9110 8.6: content-length with leading zeros",
    post("Content-Length: 0005\r\n", "hello"),
    'POST / length keep "hello"',
  ),
  accepted("9112 6.3: neither length nor coding is no content", post(""), "POST / none keep"),
  accepted(
    "9112 6: content in a GET",
    `GET / HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nhi`,
    'GET / length keep "hi"',
  ),
  refused("9110 8.6: content-length with a sign", post("Content-Length: +5\r\n", "hello"), says.badLength),
  refused("9110 8.6: negative content-length", post("Content-Length: -5\r\n", "hello"), says.badLength),
  refused("9110 8.6: hexadecimal content-length", post("Content-Length: 0x5\r\n", "hello"), says.badLength),
  refused(
    "9110 8.6: content-length with a space inside",
    post("Content-Length: 1 0\r\n", "hello"),
    says.badLength,
  ),
  refused("9110 8.6: empty content-length", post("Content-Length:\r\n", "hello"), says.badLength),
  refused(
    "9110 8.6: content-length above 2^53",
    post("Content-Length: 9007199254740992\r\n"),
    says.badLength,
  ),
  refused("9112 6.3: list of equal lengths", post("Content-Length: 5, 5\r\n", "hello"), says.badLength),
  refused(
    "9112 6.3: two equal lengths",
    post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    says.repeatedLength,
  ),
  refused(
    "9112 6.3: two lengths",
    post("Content-Length: 5\r\ncontent-length: 6\r\n", "hello"),
    says.repeatedLength,
  ),
  // Coding.
  accepted(
    "9112 7.1: chunked",
    post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
    'POST / chunked keep "hello"',
  ),
  accepted(
    "9112 7: coding in other case",
    post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"),
    "POST / chunked keep",
  ),
  refused(
    "9112 6.1: length and coding",
    post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    says.lengthAndCoding,
  ),
  refused(
    "9112 6.1: coding and length",
    post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    says.lengthAndCoding,
  ),
  refused(
    "9112 6.1: coding in HTTP/1.0",
    `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    says.codingIn10,
  ),
  refused(
    "9112 6.1: coding not understood before chunked",
    post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    says.otherCoding,
    "unsupported_request",
  ),
  refused(
    "9112 6.1: the same on two lines",
    post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
    says.otherCoding,
    "unsupported_request",
  ),
  refused("9112 6.3: chunked not last", post("Transfer-Encoding: chunked, gzip\r\n"), says.badCoding),
  refused("9112 6.1: chunked twice", post("Transfer-Encoding: chunked, chunked\r\n"), says.badCoding),
  refused(
    "9112 6.1: chunked on two lines",
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    says.badCoding,
  ),
  refused("9112 6.3: identity", post("Transfer-Encoding: identity\r\n"), says.badCoding),
  refused("9112 6.3: almost chunked", post("Transfer-Encoding: xchunked\r\n"), says.badCoding),
  refused("9112 7: chunked with a parameter", post("Transfer-Encoding: chunked;q=1\r\n"), says.badCoding),
  refused("9112 6.1: empty coding", post("Transfer-Encoding:\r\n"), says.badCoding),
  refused("9112 6.1: coding ending in a comma", post("Transfer-Encoding: chunked,\r\n"), says.badCoding),
  refused(
    "9110 5.5: coding hidden behind a vertical tab",
    post("Transfer-Encoding: \x0bchunked\r\n"),
    says.badValue,
  ),
  // Connection.
  accepted("9112 9.6: close", get(`${host}Connection: close\r\n`), "GET / none close"),
  accepted(
    "9112 9.6: close in a list, other case",
    get(`${host}Connection: foo, CLOSE\r\n`),
    "GET / none close",
  ),
  accepted(
    "9112 9.3: HTTP/1.0 with keep-alive",
    `GET / HTTP/1.0\r\n${host}Connection: keep-alive\r\n\r\n`,
    "GET / none keep",
  ),
  accepted(
    "9112 9.3: close wins over keep-alive",
    get(`${host}Connection: keep-alive, close\r\n`),
    "GET / none close",
  ),
  refused("9110 7.6.1: Connection that names Host", get(`${host}Connection: host\r\n`), says.badConnection),
  refused(
    "9110 7.6.1: Connection that names Content-Length",
    post("Connection: content-length\r\nContent-Length: 1\r\n", "x"),
    says.badConnection,
  ),
  refused(
    "9110 7.6.1: Connection option that is no token",
    get(`${host}Connection: a b\r\n`),
    says.badConnection,
  ),
  accepted(
    "9110 7.8: upgrade",
    get(`${host}Connection: Upgrade\r\nUpgrade: websocket\r\n`),
    "GET / none keep upgrade=websocket",
  ),
  accepted(
    "9110 7.8: Upgrade that Connection does not name",
    get(`${host}Upgrade: websocket\r\n`),
    "GET / none keep",
  ),
  accepted(
    "9110 7.8: upgrade in HTTP/1.0",
    `GET / HTTP/1.0\r\n${host}Connection: upgrade\r\nUpgrade: x\r\n\r\n`,
    "GET / none close",
  ),
  accepted(
    "9110 10.1.1: expectation",
    post("Expect: 100-Continue\r\nContent-Length: 2\r\n", "hi"),
    'POST / length keep expect "hi"',
  ),
  accepted(
    "9110 10.1.1: expectation in HTTP/1.0",
    `POST / HTTP/1.0\r\n${host}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi`,
    'POST / length close "hi"',
  ),
  // Several.
  accepted(
    "9112 9.3.2: pipelined",
    get(host) + post("Content-Length: 2\r\n", "hi") + get(host),
    "GET / none keep",
    'POST / length keep "hi"',
    "GET / none keep",
  ),
  accepted(
    "9112 2.2: empty line between requests",
    `${post("Content-Length: 2\r\n", "hi")}\r\n${get(host)}`,
    'POST / length keep "hi"',
    "GET / none keep",
  ),
  {
    title: "9112 8: FIN within a head",
    raw: "GET / HT",
    fin: true,
    outcome: ["! client_closed: closed in the middle of a request"],
  },
  {
    title: "9112 8: FIN within content",
    raw: post("Content-Length: 5\r\n", "he"),
    fin: true,
    outcome: ['POST / length keep "he" ?', "! client_closed: closed in the middle of a request"],
  },
  { title: "9112 9.6: FIN between requests", raw: get(host), fin: true, outcome: ["GET / none keep"] },
];
