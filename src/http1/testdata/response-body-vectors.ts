/** More raw responses: where their content ends, what has none, interim and unasked ones, RFC 9112 6, 7 and 9. */
import { says, smuggled, type Vector } from "./vector.ts";

const empty = "Content-Length: 0\r\n";
const coding = "Transfer-Encoding: chunked\r\n";
const ok = (fields: string, body = ""): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
const second = ok("Content-Length: 6\r\nX-Split: 1\r\n", "second");
const malformed = (detail: string): string => `! upstream_malformed: ${detail}`;
/** What follows a whole response unasked: left unread, and nothing behind it is read. */
const rest = (bytes: string): string => `rest ${JSON.stringify(bytes)}`;
const cut = "! upstream_reset: closed in the middle of a response";

function passed(title: string, raw: string, ...outcome: string[]): Vector {
  return { title, raw, outcome };
}

function length(what: string, value: string, detail: string = says.badLength): Vector {
  return passed(`9110 8.6: ${what}`, ok(`Content-Length: ${value}\r\n`, "hello"), malformed(detail));
}

function badCoding(what: string, value: string, detail: string = says.badCoding): Vector {
  return passed(
    `9112 6.1: ${what}`,
    ok(`Transfer-Encoding: ${value}\r\n`, "2\r\nhi\r\n0\r\n\r\n"),
    malformed(detail),
  );
}

/** `content`: what was passed on before the fault. A last chunk follows, so that who does not see the fault sees an end. */
function badChunk(what: string, body: string, detail: string, content = ""): Vector {
  const head = content === "" ? "200 chunked keep ?" : `200 chunked keep ${JSON.stringify(content)} ?`;
  return passed(
    `9112 7.1: ${what}`,
    ok(coding, `${body}${body.endsWith("hi\r\n") ? "0\r\n\r\n" : ""}`),
    head,
    malformed(detail),
  );
}

export const responseBodyVectors: readonly Vector[] = [
  length("length with a sign", "+5"),
  length("negative length", "-5"),
  length("hexadecimal length", "0x5"),
  length("empty length", ""),
  length("length that overflows 64 bits to 5", "18446744073709551621"),
  length("length with bytes behind", "5x"),
  length("two different lengths in a list", "5, 6"),
  length("length with a space inside", "1 0"),
  length("length with a NUL", "5\x00", says.badValue),
  passed(
    "9110 8.6: length with tabs around in a response",
    ok("Content-Length:\t2\t\r\n", "hi"),
    '200 length keep "hi"',
  ),
  passed(
    "9112 6.3: two equal lengths in a response",
    ok("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    malformed(says.repeatedLength),
  ),
  passed(
    "9112 6.3: coding and length in a response",
    ok(`${coding}Content-Length: 2\r\n`, "0\r\n\r\n"),
    malformed(says.lengthAndCoding),
  ),
  badCoding("chunked twice in a response", "chunked, chunked"),
  badCoding("chunked not last in a response", "chunked, gzip"),
  badCoding("identity in a response", "identity"),
  badCoding("coding almost chunked in a response", "xchunked"),
  badCoding("coding in quotes in a response", '"chunked"'),
  badCoding("empty coding in a response", ""),
  badCoding("coding behind a vertical tab in a response", "\x0bchunked", says.badValue),
  badCoding("identity before chunked in a response", "identity, chunked", says.otherCoding),
  passed(
    "9112 6.1: coding with tabs around in a response",
    ok("Transfer-Encoding:\tchunked\t\r\n", "2\r\nhi\r\n0\r\n\r\n"),
    '200 chunked keep "hi"',
  ),
  passed(
    "9112 7.1.1: extensions in a response",
    ok(coding, '2;a="b"\r\nhi\r\n0;c\r\n\r\n'),
    '200 chunked keep "hi"',
  ),
  passed(
    "9112 7.1.1: space around an extension's parts in a response",
    ok(coding, '2 ; a = "b"\r\nhi\r\n0 ;c\r\n\r\n'),
    '200 chunked keep "hi"',
  ),
  passed(
    "9112 7.1.2: trailers of a response that must not be forwarded",
    ok(coding, "0\r\nContent-Length: 9\r\nA: b\r\nSet-Cookie: c\r\n\r\n"),
    '200 chunked keep trailers "A: b\\r\\n"',
  ),
  badChunk("size of a response's chunk that is no number", "x\r\nhi\r\n", says.badSize),
  badChunk("size of a response's chunk with a sign", "+2\r\nhi\r\n", says.badSize),
  badChunk("size of a response's chunk with 0x", "0x2\r\nhi\r\n", says.badSize),
  badChunk("size of a response's chunk that overflows", "ffffffffffffffff\r\nhi\r\n", says.sizeTooLarge),
  badChunk("bare line feed after a response's chunk size", "2\nhi\r\n0\r\n\r\n", says.bareLf),
  badChunk("no line end after a response's chunk", "2\r\nhi0\r\n\r\n", says.badChunkEnd, "hi"),
  badChunk("a response's chunk longer than its size", "2\r\nhih\r\n0\r\n\r\n", says.badChunkEnd, "hi"),
  badChunk("empty line for a response's chunk", "2\r\nhi\r\n\r\n0\r\n\r\n", says.badSize, "hi"),
  badChunk("folded trailer of a response", "2\r\nhi\r\n0\r\nA: b\r\n c\r\n\r\n", says.folded, "hi"),
  badChunk(
    "extensions of a response beyond the limit",
    `2;${"a".repeat(5_000)}\r\nhi\r\n`,
    says.extensionsTooLarge,
  ),
  badChunk("line end in a response's quoted extension", '2;a="\r\n"\r\nhi\r\n', says.badExtension),
  // No content, whatever the fields say: what comes all the same answers nobody.
  passed(
    "9112 6.3: 204 with content",
    `HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello`,
    "204 none keep",
    rest("hello"),
  ),
  passed(
    "9112 6.3: 304 with content",
    `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello`,
    "304 none keep",
    rest("hello"),
  ),
  passed("9112 6.1: 204 with a coding", `HTTP/1.1 204 No Content\r\n${coding}\r\n`, "204 none keep"),
  passed("9112 6.1: 304 with a coding", `HTTP/1.1 304 Not Modified\r\n${coding}\r\n`, "304 none keep"),
  {
    title: "9112 6.3: HEAD with content",
    raw: ok("Content-Length: 5\r\n", "hello"),
    methods: ["HEAD"],
    outcome: ["200 none keep", rest("hello")],
  },
  {
    title: "9112 6.3: HEAD with chunked content",
    raw: ok(coding, "2\r\nhi\r\n0\r\n\r\n"),
    methods: ["HEAD"],
    outcome: ["200 none keep", rest("2\r\nhi\r\n0\r\n\r\n")],
  },
  // Responses that nobody asked for.
  passed("9112 9.2: two final responses", ok(empty) + second, "200 length keep", rest(second)),
  passed(
    "9112 9.2: three final responses",
    ok("Content-Length: 2\r\n", "hi") + second + second,
    '200 length keep "hi"',
    rest(second + second),
  ),
  passed(
    "9112 9.2: second response behind a chunked one",
    ok(coding, "0\r\n\r\n") + second,
    "200 chunked keep",
    rest(second),
  ),
  passed("9112 9.2: request behind a response", ok(empty) + smuggled, "200 length keep", rest(smuggled)),
  passed("9112 9.2: empty line behind a response", `${ok(empty)}\r\n`, "200 length keep", rest("\r\n")),
  passed(
    "9112 9.2: second response behind a 204",
    `HTTP/1.1 204 No Content\r\n\r\n${second}`,
    "204 none keep",
    rest(second),
  ),
  // Interim ones.
  passed(
    "9110 15.2: interim response with a length",
    `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${ok(empty)}`,
    "interim 103",
    "200 length keep",
  ),
  passed(
    "9110 15.2: interim response with close",
    `HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${ok(empty)}`,
    "interim 103",
    "200 length keep",
  ),
  passed(
    "9110 15.2: unknown interim response with a length",
    `HTTP/1.1 199 Odd\r\nContent-Length: 5\r\n\r\n${ok(empty)}`,
    "interim 199",
    "200 length keep",
  ),
  passed(
    "9110 15.2: interim response with a coding",
    `HTTP/1.1 103 Early Hints\r\n${coding}\r\n${ok(empty)}`,
    "interim 103",
    "200 length keep",
  ),
  passed(
    "9110 15.2: unknown interim response",
    `HTTP/1.1 199 Odd\r\n\r\n${ok(empty)}`,
    "interim 199",
    "200 length keep",
  ),
  passed(
    "9110 15.2: ten interim responses",
    "HTTP/1.1 103 E\r\n\r\n".repeat(10) + ok(empty),
    ...Array<string>(10).fill("interim 103"),
    "200 length keep",
  ),
  {
    title: "9110 15.2: interim response, then FIN",
    raw: "HTTP/1.1 103 Early Hints\r\n\r\n",
    fin: true,
    outcome: ["interim 103", cut],
  },
  passed(
    "9110 15.2: malformed interim response",
    "HTTP/1.1 103 E\r\nA : b\r\n\r\n",
    malformed(says.spaceBeforeColon),
  ),
  passed(
    "9110 15.2: malformed response behind an interim one",
    "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 20 OK\r\n\r\n",
    "interim 103",
    malformed(says.badStatus),
  ),
  {
    title: "9110 15.2.2: switch to h2c that was not asked for",
    raw: "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    outcome: [malformed(says.unexpectedSwitch)],
  },
  {
    title: "9110 7.8: upgrade refused",
    raw: ok("Content-Length: 2\r\n", "no"),
    upgrade: true,
    outcome: ['200 length keep "no"'],
  },
  // Before the request's content has come (the conformance run holds it back).
  passed(
    "9112 9.5: answer before the content",
    `HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno`,
    '403 length keep "no"',
  ),
  passed(
    "9112 9.5: answer before the chunked content",
    `HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n`,
    '403 chunked keep "no"',
  ),
  passed(
    "9112 9.6: answer and close before the content",
    `HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno`,
    '413 length close "no"',
  ),
  passed(
    "9112 9.5: malformed answer before the content",
    `HTTP/1.1 403 No\r\nContent-Length : 2\r\n\r\nno`,
    malformed(says.spaceBeforeColon),
  ),
  // Ends.
  { title: "9112 8: FIN instead of a response", raw: "", fin: true, outcome: [cut] },
  {
    title: "9112 8: FIN after the head",
    raw: ok("Content-Length: 5\r\n"),
    fin: true,
    outcome: ["200 length keep ?", cut],
  },
  {
    title: "9112 8: FIN within the trailers of a response",
    raw: ok(coding, "2\r\nhi\r\n0\r\nA: b\r\n"),
    fin: true,
    outcome: ['200 chunked keep "hi" ?', cut],
  },
  {
    title: "9112 8: FIN within a chunk's size",
    raw: ok(coding, "2\r\nhi\r\n1"),
    fin: true,
    outcome: ['200 chunked keep "hi" ?', cut],
  },
  {
    title: "9112 6.3: until close in HTTP/1.0",
    raw: "HTTP/1.0 200 OK\r\n\r\nhi",
    fin: true,
    outcome: ['200 until_close close "hi"'],
  },
  {
    title: "9112 6.3: until close, content that looks like a response",
    raw: ok("", second),
    fin: true,
    outcome: [`200 until_close close ${JSON.stringify(second)}`],
  },
  {
    title: "9112 9.6: FIN after a whole response",
    raw: ok("Content-Length: 2\r\n", "hi"),
    fin: true,
    outcome: ['200 length keep "hi"'],
  },
];
