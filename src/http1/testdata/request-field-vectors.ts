/** More field lines: names, values, folding and sizes at their edges, RFC 9110 5 and RFC 9112 5. */
import { accepted, get, host, refused, says, type Vector } from "./vector.ts";

const ok = "GET / none keep";

function name(what: string, line: string): Vector {
  return refused(`9110 5.1: field name ${what}`, get(`${host}${line}\r\n`), says.badName);
}

function value(what: string, text: string): Vector {
  return refused(`9110 5.5: field value with ${what}`, get(`${host}X: ${text}\r\n`), says.badValue);
}

function folded(what: string, lines: string): Vector {
  return refused(`9112 5.2: ${what}`, get(`${host}${lines}`), says.folded);
}

export const requestFieldVectors: readonly Vector[] = [
  name("with a slash", "X/Y: z"),
  name("with a comma", "X,Y: z"),
  name("with a semicolon", "X;Y: z"),
  name("with an equals sign", "X=Y: z"),
  name("with brackets", "X[0]: z"),
  name("with braces", "{X}: z"),
  name("with parentheses", "X(Y): z"),
  name("in quotes", '"X": z'),
  name("with a backslash", "X\\Y: z"),
  name("with a question mark", "X?: z"),
  name("with a NUL", "X\x00: z"),
  name("with a DEL", "X\x7f: z"),
  name("with a control byte", "X\x01Y: z"),
  name("with a vertical tab before the colon", "X\x0b: z"),
  name("with a form feed first", "\x0cX: z"),
  name("in UTF-8", "X\xc3\xa4: z"),
  name("that is a no-break space", "\xa0: z"),
  refused(
    "9110 5.1: field that is a second request line",
    get(`${host}GET /smuggled HTTP/1.1\r\n`),
    says.spaceBeforeColon,
  ),
  refused("9112 5.1: spaces before the colon", get(`${host}X   : y\r\n`), says.spaceBeforeColon),
  refused("9112 5.1: name of two words", get(`${host}X Y: z\r\n`), says.spaceBeforeColon),
  refused("9112 5: line of letters without a colon", get(`${host}garbage\r\n`), says.badName),
  refused("9112 5: colon only", get(`${host}:\r\n`), says.badName),
  value("a backspace", "a\x08b"),
  value("an escape", "a\x1b[31m"),
  value("a bell", "\x07"),
  value("a form feed", "a\x0cb"),
  value("a NUL at its end", "a\x00"),
  value("a NUL at its start", "\x00a"),
  value("only a vertical tab", "\x0b"),
  value("a unit separator", "a\x1fb"),
  refused("9112 2.2: bare carriage return at a value's end", get(`${host}X: a\r\r\n`), says.bareCr),
  refused("9112 2.2: bare line feed at a value's end", get(`${host}X: a\n\r\n`), says.bareLf),
  refused(
    "9112 2.2: bare carriage return before a smuggled field",
    get(`${host}X: a\rContent-Length: 5\r\n`),
    says.bareCr,
  ),
  refused(
    "9112 2.2: bare line feed before a smuggled field",
    get(`${host}X: a\nContent-Length: 5\r\n`),
    says.bareLf,
  ),
  refused("9112 2.2: line feed, carriage return between fields", get(`${host}X: a\n\rY: b\r\n`), says.bareLf),
  folded("folded with a tab", "X: y\r\n\tz\r\n"),
  folded("folded into nothing", "X: y\r\n \r\n"),
  folded("folded twice", "X: y\r\n z\r\n z\r\n"),
  folded("folded after an empty value", "X:\r\n y\r\n"),
  folded("field that a fold hides", "X: y\r\n Content-Length: 5\r\n"),
  folded("coding that a fold hides", "X: y\r\n\tTransfer-Encoding: chunked\r\n"),
  folded("folded Content-Length", "Content-Length:\r\n 0\r\n"),
  folded("folded Transfer-Encoding", "Transfer-Encoding:\r\n chunked\r\n"),
  folded("line of spaces only", "   \r\n"),
  refused("9112 2.2: tab before the first field", get(`\tX: y\r\n${host}`), says.folded),
  refused("9112 2.2: empty line of spaces after the start line", get(` \r\n${host}`), says.folded),
  accepted("9110 5.5: UTF-8 in a value", get(`${host}X: \xc3\xa4\r\n`), ok),
  accepted("9110 5.5: tab inside a value", get(`${host}X: a\tb\r\n`), ok),
  accepted("9110 5.5: value of spaces only", get(`${host}X:   \t  \r\n`), ok),
  accepted("9110 5.5: colons in a value", get(`${host}X: a:b: c\r\n`), ok),
  accepted("9110 5.3: repeated fields", get(`${host}X: a\r\nx: b\r\nX: c\r\n`), ok),
  accepted("9110 5.1: name of one byte", get(`${host}x:y\r\n`), ok),
  accepted("9110 5.1: name of digits", get(`${host}123: y\r\n`), ok),
  accepted(
    "9110 5.1: name that only looks like a known one",
    get(`${host}Content_Length: 5\r\nTransfer_Encoding: chunked\r\n`),
    ok,
  ),
  accepted("9110 5.4: value of 6,000 bytes", get(`${host}X: ${"v".repeat(6_000)}\r\n`), ok),
  accepted("9110 5.4: 90 fields", get(`${host}${"X: y\r\n".repeat(89)}`), ok),
  refused(
    "9110 5.4: too many fields",
    get(`${host}${"X: y\r\n".repeat(128)}`),
    "too many fields",
    "headers_too_large",
  ),
  refused(
    "9110 5.4: 5,000 fields",
    get(`${host}${"X: y\r\n".repeat(5_000)}`),
    "too many fields",
    "headers_too_large",
  ),
  refused(
    "9110 5.4: one field of 100,000 bytes",
    get(`${host}X: ${"v".repeat(100_000)}\r\n`),
    "head is too large",
    "headers_too_large",
  ),
  refused(
    "9110 5.4: one name of 100,000 bytes",
    get(`${host}${"n".repeat(100_000)}: v\r\n`),
    "head is too large",
    "headers_too_large",
  ),
];
