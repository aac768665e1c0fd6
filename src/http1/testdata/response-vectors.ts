/** Raw responses, each with the section that rules it and its one right outcome. */
import { says, type Vector } from "./vector.ts";

type Options = Partial<Pick<Vector, "methods" | "upgrade" | "fin">>;

function accepted(title: string, raw: string, outcome: string | string[], options: Options = {}): Vector {
  return { title, raw, outcome: typeof outcome === "string" ? [outcome] : outcome, ...options };
}

function refused(title: string, raw: string, detail: string, options: Options = {}): Vector {
  return { title, raw, outcome: [`! upstream_malformed: ${detail}`], ...options };
}

const ok = (fields: string, body = ""): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;

export const responseVectors: readonly Vector[] = [
  accepted("9112 6.2: content-length", ok("Content-Length: 2\r\n", "hi"), '200 length keep "hi"'),
  accepted(
    "9112 7.1: chunked",
    ok("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"),
    '200 chunked keep "hi"',
  ),
  accepted(
    "9112 7.1.2: trailers",
    ok("Transfer-Encoding: chunked\r\n", "0\r\nA: b\r\n\r\n"),
    '200 chunked keep trailers "A: b\\r\\n"',
  ),
  accepted("9112 6.3: until close", ok("", "hi"), '200 until_close close "hi"', { fin: true }),
  accepted("9112 6.3: until close, empty", ok(""), "200 until_close close", { fin: true }),
  accepted("9112 8: until close, not closed yet", ok("", "hi"), '200 until_close close "hi" ?'),
  accepted("9112 4: empty reason phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 length keep"),
  accepted(
    "9112 4: no space after the status",
    "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    "200 length keep",
  ),
  accepted(
    "9112 4: reason phrase with obs-text",
    "HTTP/1.1 200 \xd6K\r\nContent-Length: 0\r\n\r\n",
    "200 length keep",
  ),
  accepted(
    "9110 15: status outside the classes",
    "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n",
    "799 length keep",
  ),
  refused("9112 4: status of two digits", "HTTP/1.1 20 OK\r\n\r\n", says.badStatus),
  refused("9112 4: status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", says.badStatus),
  refused("9110 15: status below 100", "HTTP/1.1 099 Low\r\n\r\n", says.badStatus),
  refused("9112 4: status of letters", "HTTP/1.1 abc OK\r\n\r\n", says.badStatus),
  refused("9112 4: control byte in the reason phrase", "HTTP/1.1 200 O\x00K\r\n\r\n", says.badStatus),
  refused("9112 2.2: bare line feed after the status line", "HTTP/1.1 200 OK\nA: b\r\n\r\n", says.bareLf),
  refused("9112 2.2: bare carriage return in the reason phrase", "HTTP/1.1 200 O\rK\r\n\r\n", says.bareCr),
  refused("9112 2.2: empty line before", `\r\n${ok("")}`, says.badVersion),
  refused("9112 2.3: not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", says.badVersion),
  refused("9110 2.5: major version 2", "HTTP/2.0 200 OK\r\n\r\n", says.otherVersion),
  refused("9112 5.1: space before a colon", ok("A : b\r\n"), says.spaceBeforeColon),
  refused("9112 5.2: folded line", ok("A: b\r\n c\r\n"), says.folded),
  refused("9110 5.5: NUL in a value", ok("A: \x00\r\n"), says.badValue),
  refused(
    "9112 6.3: two lengths",
    ok("Content-Length: 2\r\nContent-Length: 3\r\n", "hi"),
    says.repeatedLength,
  ),
  refused("9112 6.3: list of lengths", ok("Content-Length: 2, 2\r\n", "hi"), says.badLength),
  refused(
    "9112 6.3: length and coding",
    ok("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
    says.lengthAndCoding,
  ),
  refused(
    "9112 6.1: coding in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    says.codingIn10,
  ),
  refused("9112 6.3: coding that is not chunked", ok("Transfer-Encoding: gzip\r\n"), says.badCoding),
  refused("9112 6.1: coding not understood", ok("Transfer-Encoding: gzip, chunked\r\n"), says.otherCoding),
  // No content, whatever the fields say.
  accepted(
    "9112 6.3: HEAD",
    [ok("Content-Length: 5\r\n"), ok("Content-Length: 1\r\n", "x")].join(""),
    ["200 none keep", '200 length keep "x"'],
    { methods: ["HEAD", "GET"] },
  ),
  accepted("9112 6.3: HEAD with coding", ok("Transfer-Encoding: chunked\r\n"), "200 none keep", {
    methods: ["HEAD"],
  }),
  accepted("9112 6.3: HEAD without either", ok(""), "200 none keep", { methods: ["HEAD"] }),
  accepted("9112 6.3: 204", "HTTP/1.1 204 No Content\r\n\r\n", "204 none keep"),
  accepted(
    "9112 6.3: 204 with a length",
    "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    "204 none keep",
  ),
  accepted(
    "9112 6.3: 304 with a length",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "304 none keep",
  ),
  accepted(
    "9110 15.3.6: 205 is framed like any other",
    "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
    "205 length keep",
  ),
  // Interim responses.
  accepted(
    "9110 15.2: 100 before the final one",
    `HTTP/1.1 100 Continue\r\n\r\n${ok("Content-Length: 0\r\n")}`,
    ["interim 100", "200 length keep"],
  ),
  accepted(
    "9110 15.2: 103 twice",
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${ok("Content-Length: 0\r\n")}`,
    ["interim 103", "interim 103", "200 length keep"],
  ),
  {
    title: "9110 15.2: interim responses without end",
    raw: "HTTP/1.1 102 P\r\n\r\n".repeat(33),
    outcome: [...Array<string>(32).fill("interim 102"), "! upstream_malformed: too many interim responses"],
  },
  accepted(
    "9110 7.8: switch that was asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01x",
    ["101 none keep", 'rest "\x81\\u0001x"'],
    { upgrade: true },
  ),
  refused(
    "9110 15.2.2: switch that was not asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    says.unexpectedSwitch,
  ),
  refused(
    "9110 15.2.2: switch without Upgrade",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    says.unexpectedSwitch,
    { upgrade: true },
  ),
  // CONNECT.
  accepted(
    "9112 6.3: tunnel",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nraw",
    ["200 none keep", 'rest "raw"'],
    { methods: ["CONNECT"] },
  ),
  accepted(
    "9112 6.3: tunnel refused",
    "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
    '403 length keep "no"',
    { methods: ["CONNECT"] },
  ),
  // Persistence.
  accepted("9112 9.6: close", ok("Connection: close\r\nContent-Length: 0\r\n"), "200 length close"),
  accepted("9112 9.3: HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "200 length close"),
  accepted(
    "9112 9.3: HTTP/1.0 with keep-alive",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    "200 length keep",
  ),
  accepted(
    "9112 9.3.2: pipelined",
    ok("Content-Length: 1\r\n", "a") + ok("Content-Length: 1\r\n", "b"),
    ['200 length keep "a"', '200 length keep "b"'],
    { methods: ["GET", "GET"] },
  ),
  accepted("9112 9.2: bytes that answer no request", ok("Content-Length: 1\r\n", "ab"), [
    '200 length keep "a"',
    'rest "b"',
  ]),
  // Truncation.
  {
    title: "9112 8: FIN within the head",
    raw: "HTTP/1.1 200",
    fin: true,
    outcome: ["! upstream_reset: closed in the middle of a response"],
  },
  {
    title: "9112 8: FIN within content",
    raw: ok("Content-Length: 5\r\n", "he"),
    fin: true,
    outcome: ['200 length keep "he" ?', "! upstream_reset: closed in the middle of a response"],
  },
  {
    title: "9112 8: FIN within a chunk",
    raw: ok("Transfer-Encoding: chunked\r\n", "5\r\nhe"),
    fin: true,
    outcome: ['200 chunked keep "he" ?', "! upstream_reset: closed in the middle of a response"],
  },
  {
    title: "9112 8: FIN before the last chunk",
    raw: ok("Transfer-Encoding: chunked\r\n", "1\r\na\r\n"),
    fin: true,
    outcome: ['200 chunked keep "a" ?', "! upstream_reset: closed in the middle of a response"],
  },
];
