/** More raw responses: status lines, fields and sizes at their edges, RFC 9112 4 and 5. */
import { says, type Vector } from "./vector.ts";

const empty = "Content-Length: 0\r\n";
const ok = (fields: string, body = ""): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;

function passed(title: string, raw: string, ...outcome: string[]): Vector {
  return { title, raw, outcome };
}

function refused(title: string, raw: string, detail: string): Vector {
  return { title, raw, outcome: [`! upstream_malformed: ${detail}`] };
}

function statusLine(what: string, line: string, detail: string): Vector {
  return refused(`9112 4: ${what}`, `${line}\r\n${empty}\r\n`, detail);
}

function fields(section: string, what: string, lines: string, detail: string): Vector {
  return refused(`${section}: ${what}`, ok(`${lines}${empty}`), detail);
}

export const responseLineVectors: readonly Vector[] = [
  statusLine("two spaces before the status", "HTTP/1.1  200 OK", says.badStatus),
  statusLine("tab before the status", "HTTP/1.1\t200 OK", says.badStatus),
  statusLine("space before the version", " HTTP/1.1 200 OK", says.badVersion),
  statusLine("signed status", "HTTP/1.1 +20 OK", says.badStatus),
  statusLine("negative status", "HTTP/1.1 -20 OK", says.badStatus),
  statusLine("status with a fraction", "HTTP/1.1 20. OK", says.badStatus),
  statusLine("status in hexadecimal", "HTTP/1.1 0xc8 OK", says.badStatus),
  statusLine("status 000", "HTTP/1.1 000 OK", says.badStatus),
  statusLine("status run into its phrase", "HTTP/1.1 200OK", says.badStatus),
  statusLine("no status", "HTTP/1.1 OK", says.badStatus),
  statusLine("version only", "HTTP/1.1", says.badStatus),
  statusLine("DEL in the reason phrase", "HTTP/1.1 200 O\x7fK", says.badStatus),
  statusLine("NUL before the reason phrase", "HTTP/1.1 200\x00OK", says.badStatus),
  statusLine("version in lower case", "http/1.1 200 OK", says.badVersion),
  statusLine("version of two digits", "HTTP/1.10 200 OK", says.badStatus),
  statusLine("another protocol", "ICY 200 OK", says.badVersion),
  statusLine("a request", "GET / HTTP/1.1", says.badVersion),
  refused("9112 4: no status line", `${empty}\r\n`, says.badVersion),
  refused("9112 4: content without a head", "<html>hello</html>\r\n\r\n", says.badVersion),
  refused("9110 2.5: major version 0 of a response", `HTTP/0.9 200 OK\r\n${empty}\r\n`, says.otherVersion),
  refused(
    "9112 2.2: bare line feeds throughout a response",
    "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    says.bareLf,
  ),
  refused(
    "9112 2.2: carriage return twice after the status line",
    `HTTP/1.1 200 OK\r\r\n${empty}\r\n`,
    says.bareCr,
  ),
  passed("9112 4: reason phrase of spaces", `HTTP/1.1 200    \r\n${empty}\r\n`, "200 length keep"),
  passed("9112 4: reason phrase with a tab", `HTTP/1.1 200 a\tb\r\n${empty}\r\n`, "200 length keep"),
  passed(
    "9112 4: reason phrase that looks like a field",
    `HTTP/1.1 200 Content-Length: 5\r\n${empty}\r\n`,
    "200 length keep",
  ),
  passed(
    "9110 2.5: higher minor version of a response",
    `HTTP/1.2 200 OK\r\n${empty}\r\n`,
    "200 length keep",
  ),
  passed("9110 15: status 599", `HTTP/1.1 599 X\r\n${empty}\r\n`, "599 length keep"),
  passed(
    "9110 15.5: 404 is passed on",
    `HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno`,
    '404 length keep "no"',
  ),
  passed(
    "9110 15.6: 500 is passed on",
    `HTTP/1.1 500 Bad\r\nContent-Length: 2\r\n\r\nno`,
    '500 length keep "no"',
  ),
  fields("9112 5", "line without a colon", "garbage\r\n", says.badName),
  fields("9112 5", "field without a name", ": x\r\n", says.badName),
  fields("9110 5.1", "name with a byte that is no token", "A@: x\r\n", says.badName),
  fields("9110 5.1", "name with obs-text in a response", "\xfc: x\r\n", says.badName),
  fields("9110 5.1", "name with a NUL", "A\x00: x\r\n", says.badName),
  fields("9112 5.1", "tab before a colon", "A\t: x\r\n", says.spaceBeforeColon),
  fields(
    "9112 5.1",
    "space before Content-Length's colon in a response",
    "Content-Length : 5\r\n",
    says.spaceBeforeColon,
  ),
  fields("9112 5.2", "fold with a tab", "A: b\r\n\tc\r\n", says.folded),
  fields("9112 5.2", "fold that hides a coding", "A: b\r\n Transfer-Encoding: chunked\r\n", says.folded),
  fields("9112 2.2", "space before the first field of a response", " A: b\r\n", says.folded),
  fields("9110 5.5", "DEL in a value", "A: \x7f\r\n", says.badValue),
  fields("9110 5.5", "escape in a value", "A: \x1b[0m\r\n", says.badValue),
  fields("9110 5.5", "vertical tab in a value", "A: \x0bb\r\n", says.badValue),
  fields("9112 2.2", "bare carriage return in a value of a response", "A: b\rSet-Cookie: c\r\n", says.bareCr),
  fields("9112 2.2", "bare line feed in a value of a response", "A: b\nSet-Cookie: c\r\n", says.bareLf),
  fields(
    "9110 7.6.1",
    "Connection that names the length",
    "Connection: content-length\r\n",
    says.badConnection,
  ),
  fields(
    "9110 7.6.1",
    "Connection option that is no token in a response",
    "Connection: a b\r\n",
    says.badConnection,
  ),
  fields("9110 5.4", "too many fields in a response", "A: b\r\n".repeat(128), "too many fields"),
  fields(
    "9110 5.4",
    "field of 100,000 bytes in a response",
    `A: ${"b".repeat(100_000)}\r\n`,
    "head is too large",
  ),
  passed("9110 5.5: obs-text in a value of a response", ok(`A: \xfc\r\n${empty}`), "200 length keep"),
  passed(
    "9110 5.3: Set-Cookie twice",
    ok(`Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n${empty}`),
    "200 length keep",
  ),
  passed(
    "9110 7.6.1: fields of one hop in a response",
    ok(
      `Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: keep-alive\r\nX-End: 2\r\n${empty}`,
    ),
    "200 length keep",
  ),
  passed(
    "9110 7.8: Upgrade in a 200",
    ok(`Upgrade: h2c\r\nConnection: Upgrade\r\n${empty}`),
    "200 length keep",
  ),
  passed(
    "9110 15.5.22: Upgrade in a 426",
    `HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${empty}\r\n`,
    "426 length keep",
  ),
];
