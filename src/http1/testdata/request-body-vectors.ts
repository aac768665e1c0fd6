/** More of what decides where a request's content ends, and attempts to make two readers disagree: RFC 9112 6 and 11.2. */
import { accepted, get, host, post, refused, says, smuggled, type Vector } from "./vector.ts";

const chunkedHi = "2\r\nhi\r\n0\r\n\r\n";
const coding = "Transfer-Encoding: chunked\r\n";

function length(what: string, value: string, detail: string = says.badLength): Vector {
  return refused(`9110 8.6: Content-Length ${what}`, post(`Content-Length: ${value}\r\n`, "hello"), detail);
}

/** A coding that some reader might take for chunked and another not. */
function badCoding(what: string, value: string, detail: string = says.badCoding): Vector {
  return refused(`9112 6.1: coding ${what}`, post(`Transfer-Encoding: ${value}\r\n`, chunkedHi), detail);
}

function unknownCoding(what: string, value: string): Vector {
  return refused(
    `9112 6.1: coding ${what}`,
    post(`Transfer-Encoding: ${value}\r\n`, chunkedHi),
    says.otherCoding,
    "unsupported_request",
  );
}

function goodCoding(what: string, line: string): Vector {
  return accepted(`9112 6.1: ${what}`, post(`${line}\r\n`, chunkedHi), 'POST / chunked keep "hi"');
}

export const requestBodyVectors: readonly Vector[] = [
  length("of two different lengths in a list", "5, 6"),
  length("of two equal lengths without space", "5,5"),
  length("that ends in a comma", "5,"),
  length("that starts with a comma", ",5"),
  length("with a semicolon", "5;"),
  length("with a unit", "5b"),
  length("with an underscore", "1_0"),
  length("with an exponent", "1e1"),
  length("with a fraction", "5.0"),
  length("in quotes", '"5"'),
  length("in binary", "0b101"),
  length("of a minus zero", "-0"),
  length("in Arabic digits", "\xd9\xa5"),
  length("with a no-break space", "\xa05"),
  length("that overflows 64 bits to 5", "18446744073709551621"),
  length("that overflows 32 bits to 5 and has letters", "4294967301x"),
  length("of 40 digits", "9".repeat(40)),
  length("of tabs only", "\t\t"),
  length("with a NUL", "5\x00", says.badValue),
  length("with a vertical tab", "\x0b5", says.badValue),
  length("with a form feed behind", "5\x0c", says.badValue),
  refused(
    "9112 5.1: space before Content-Length's colon",
    post("Content-Length : 5\r\n", "hello"),
    says.spaceBeforeColon,
  ),
  refused(
    "9112 6.3: three equal lengths",
    post("Content-Length: 5\r\n".repeat(3), "hello"),
    says.repeatedLength,
  ),
  refused(
    "9112 6.3: length of 0 before another",
    post("Content-Length: 0\r\nContent-Length: 44\r\n", smuggled),
    says.repeatedLength,
  ),
  refused(
    "9112 6.3: length before an empty one",
    post("Content-Length: 5\r\nContent-Length:\r\n", "hello"),
    says.repeatedLength,
  ),
  accepted(
    "9110 8.6: Content-Length with tabs around",
    post("Content-Length:\t5\t\r\n", "hello"),
    'POST / length keep "hello"',
  ),
  accepted(
    "9112 6.3: content that looks like a request",
    post(`Content-Length: ${smuggled.length}\r\n`, smuggled),
    `POST / length keep ${JSON.stringify(smuggled)}`,
  ),
  accepted(
    "9112 6.3: bytes after a length of 0 are the next request",
    post("Content-Length: 0\r\n", get(host)),
    "POST / length keep",
    "GET / none keep",
  ),
  accepted(
    "9110 9.3.5: content in DELETE",
    `DELETE / HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nhi`,
    'DELETE / length keep "hi"',
  ),
  accepted(
    "9110 9.3.7: content in OPTIONS",
    `OPTIONS / HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nhi`,
    'OPTIONS / length keep "hi"',
  ),
  accepted(
    "9110 9.3.2: content in HEAD",
    `HEAD / HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nhi`,
    'HEAD / length keep "hi"',
  ),
  accepted(
    "9112 6.1: chunked content in GET",
    `GET / HTTP/1.1\r\n${host}${coding}\r\n${chunkedHi}`,
    'GET / chunked keep "hi"',
  ),
  accepted(
    "9112 6.3: length in HTTP/1.0",
    `POST / HTTP/1.0\r\n${host}Content-Length: 2\r\n\r\nhi`,
    'POST / length close "hi"',
  ),
  accepted("9112 6.3: neither in HTTP/1.0", `POST / HTTP/1.0\r\n${host}\r\n`, "POST / none close"),
  goodCoding("tab before the coding", "Transfer-Encoding:\tchunked"),
  goodCoding("white space after the coding", "Transfer-Encoding: chunked \t "),
  goodCoding("no space before the coding", "Transfer-Encoding:chunked"),
  goodCoding("field name in mixed case", "tRANSFER-eNCODING: cHuNkEd"),
  badCoding("in quotes", '"chunked"'),
  badCoding("in single quotes", "'chunked'"),
  badCoding("with bytes before", "x chunked"),
  badCoding("with bytes behind", "chunked x"),
  badCoding("that starts like chunked", "chunkedfoo"),
  badCoding("cut short", "chunke"),
  badCoding("with a no-break space before", "\xa0chunked"),
  badCoding("with obs-text behind", "chunked\xff"),
  badCoding("after an empty element", ", chunked"),
  badCoding("before an empty element", "chunked, ,"),
  badCoding("with a semicolon behind", "chunked;"),
  badCoding("with a parameter before", "gzip;q=1 chunked"),
  badCoding("chunked before identity", "chunked, identity"),
  badCoding("chunked three times", "chunked, chunked, chunked"),
  badCoding("gzip alone", "gzip"),
  badCoding("of nobody", "foo"),
  badCoding("in a URL", "http://chunked"),
  badCoding("that is a number", "1"),
  badCoding("with a colon", ": chunked"),
  badCoding("with a NUL", "chunked\x00", says.badValue),
  badCoding("with a NUL before", "\x00chunked", says.badValue),
  badCoding("with a form feed", "\x0cchunked", says.badValue),
  badCoding("with a vertical tab behind", "chunked\x0b", says.badValue),
  badCoding("with a bare carriage return", "\rchunked", says.bareCr),
  badCoding("with a bare line feed", "\nchunked", says.bareLf),
  badCoding("folded behind", "chunked\r\n , gzip", says.folded),
  unknownCoding("identity before chunked", "identity, chunked"),
  unknownCoding("deflate before chunked", "deflate,chunked"),
  unknownCoding("of nobody before chunked", "foo, chunked"),
  refused(
    "9112 5.1: space before Transfer-Encoding's colon",
    post("Transfer-Encoding : chunked\r\n", chunkedHi),
    says.spaceBeforeColon,
  ),
  refused(
    "9110 5.1: vertical tab in Transfer-Encoding's name",
    post("Transfer-Encoding\x0b: chunked\r\n", chunkedHi),
    says.badName,
  ),
  refused(
    "9112 5.2: space before Transfer-Encoding",
    post("X: y\r\n Transfer-Encoding: chunked\r\n", chunkedHi),
    says.folded,
  ),
  refused(
    "9112 6.1: chunked, then identity on another line",
    post(`${coding}Transfer-Encoding: identity\r\n`, chunkedHi),
    says.badCoding,
  ),
  refused(
    "9112 6.1: identity, then chunked on another line",
    post(`Transfer-Encoding: identity\r\n${coding}`, chunkedHi),
    says.otherCoding,
    "unsupported_request",
  ),
  refused(
    "9112 6.1: chunked, then an empty line of coding",
    post(`${coding}Transfer-Encoding:\r\n`, chunkedHi),
    says.badCoding,
  ),
  refused(
    "9112 6.1: an empty line of coding, then chunked",
    post(`Transfer-Encoding:\r\n${coding}`, chunkedHi),
    says.badCoding,
  ),
  refused(
    "9112 6.1: coding in HTTP/1.0 that stays",
    `POST / HTTP/1.0\r\n${host}Connection: keep-alive\r\n${coding}\r\n${chunkedHi}`,
    says.codingIn10,
  ),
  refused(
    "9112 6.1: identity in HTTP/1.0",
    `POST / HTTP/1.0\r\n${host}Transfer-Encoding: identity\r\n\r\n`,
    says.codingIn10,
  ),
  // The classical ways of smuggling, RFC 9112 11.2.
  refused(
    "9112 11.2: length hides a request that the coding shows",
    post(`Content-Length: 6\r\n${coding}`, `0\r\n\r\nG`),
    says.lengthAndCoding,
  ),
  refused(
    "9112 11.2: coding hides a request that the length shows",
    post(`${coding}Content-Length: 4\r\n`, `2c\r\n${smuggled}\r\n0\r\n\r\n`),
    says.lengthAndCoding,
  ),
  refused(
    "9112 11.2: length of 0 and a coding",
    post(`Content-Length: 0\r\n${coding}`, `${chunkedHi}${smuggled}`),
    says.lengthAndCoding,
  ),
  refused(
    "9112 11.2: length and a coding in HTTP/1.0",
    `POST / HTTP/1.0\r\n${host}Content-Length: 5\r\n${coding}\r\n0\r\n\r\n`,
    says.codingIn10,
  ),
  refused(
    "9112 11.2: length and identity",
    post("Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "hello"),
    says.lengthAndCoding,
  ),
  refused(
    "9112 11.2: length and a coding almost chunked",
    post("Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n", "hello"),
    says.lengthAndCoding,
  ),
  refused(
    "9112 11.2: length and coding, a request behind",
    post(`Content-Length: 5\r\n${coding}`, `0\r\n\r\n${smuggled}`),
    says.lengthAndCoding,
  ),
  refused(
    "9112 11.2: two lengths, a request behind",
    post("Content-Length: 0\r\nContent-Length: 5\r\n", `hello${smuggled}`),
    says.repeatedLength,
  ),
  refused(
    "9112 11.2: unknown coding, a request behind",
    post("Transfer-Encoding: gzip, chunked\r\n", `0\r\n\r\n${smuggled}`),
    says.otherCoding,
    "unsupported_request",
  ),
  refused(
    "9112 11.2: bare line feed hides the coding",
    post("X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${smuggled}`),
    says.bareLf,
  ),
];
