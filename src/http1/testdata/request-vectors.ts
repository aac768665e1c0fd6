/** Raw requests, each with the section that rules it and its one right outcome. */
import type { Vector } from "./recorder.ts";

const host = "Host: a\r\n";

function accepted(title: string, raw: string, ...outcome: string[]): Vector {
  return { title, raw, outcome };
}

function refused(title: string, raw: string, detail: string, reason = "malformed_request"): Vector {
  return { title, raw, outcome: [`! ${reason}: ${detail}`] };
}

const badTarget = "request target is empty or has a byte that no target has";
const badName = "field name is empty or no token";
const badValue = "control byte in a field value";
const bareLf = "line feed without carriage return";
const bareCr = "carriage return without line feed";
const badHost = "host is no host and port";
const badForm = "request target's form does not fit the method";
const mismatch = "host differs from the request target's authority";
const badVersion = "protocol version is malformed";

const get = (fields: string): string => `GET / HTTP/1.1\r\n${fields}\r\n`;

export const requestVectors: readonly Vector[] = [
  // Start line.
  accepted("9112 3: plain request", get(host), "GET / none keep"),
  accepted("9112 2.2: one empty line before", `\r\n${get(host)}`, "GET / none keep"),
  refused(
    "9112 2.2: two empty lines before",
    `\r\n\r\n${get(host)}`,
    "more than one empty line before the start line",
  ),
  refused("9112 2.2: bare line feed before", `\n${get(host)}`, bareLf),
  refused("9112 2.2: bare line feed after the start line", `GET / HTTP/1.1\n${host}\r\n`, bareLf),
  refused("9112 2.2: bare carriage return in the start line", `GET / HTTP/1.1\rX\r\n${host}\r\n`, bareCr),
  accepted("9110 9.1: unknown method", `PURGE / HTTP/1.1\r\n${host}\r\n`, "PURGE / none keep"),
  accepted("9110 9.1: methods are case-sensitive", `get / HTTP/1.1\r\n${host}\r\n`, "get / none keep"),
  refused(
    "9112 3.1: method with a byte that is no token",
    `GE(T / HTTP/1.1\r\n${host}\r\n`,
    "method is no token",
  ),
  refused("9112 3.1: no method", ` / HTTP/1.1\r\n${host}\r\n`, "method is no token"),
  refused(
    "9112 3: method of 33 bytes",
    `${"M".repeat(33)} / HTTP/1.1\r\n${host}\r\n`,
    "method is too long",
    "unsupported_request",
  ),
  refused("9112 3: TLS in plaintext", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "method is no token"),
  refused("9112 3: two spaces after the method", `GET  / HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused("9112 3: two spaces before the version", `GET /  HTTP/1.1\r\n${host}\r\n`, badVersion),
  refused("9112 3: tab for a space", `GET\t/ HTTP/1.1\r\n${host}\r\n`, "method is no token"),
  refused("9112 3: space after the version", `GET / HTTP/1.1 \r\n${host}\r\n`, badVersion),
  refused("9112 3: HTTP/0.9", "GET /\r\n\r\n", badTarget),
  refused("9112 2.3: version in lower case", `GET / http/1.1\r\n${host}\r\n`, badVersion),
  refused("9112 2.3: version of two digits", `GET / HTTP/1.10\r\n${host}\r\n`, badVersion),
  refused("9112 2.3: version without minor", `GET / HTTP/1\r\n${host}\r\n`, badVersion),
  refused(
    "9110 2.5: major version 2",
    `GET / HTTP/2.0\r\n${host}\r\n`,
    "major version is not 1",
    "unsupported_request",
  ),
  accepted("9110 2.5: higher minor version is 1.1", `GET / HTTP/1.2\r\n${host}\r\n`, "GET / none keep"),
  // Targets.
  accepted(
    "9112 3.2.1: origin form with query",
    `GET /a/b?c=d&e HTTP/1.1\r\n${host}\r\n`,
    "GET /a/b?c=d&e none keep",
  ),
  accepted(
    "9112 3.2.1: path that starts with two slashes",
    `GET //b HTTP/1.1\r\n${host}\r\n`,
    "GET //b none keep",
  ),
  refused("9112 3.2: fragment", `GET /a#b HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused("9112 3.2: unescaped UTF-8", `GET /\xc3\xa4 HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused("9112 3.2: control byte in the target", `GET /\x01 HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused("9112 3.2: DEL in the target", `GET /\x7f HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused("9112 3.2: relative path", `GET a/b HTTP/1.1\r\n${host}\r\n`, badForm),
  accepted(
    "9112 3.2.2: absolute form",
    `GET http://a/x?y HTTP/1.1\r\n${host}\r\n`,
    "GET http://a/x?y none keep",
  ),
  accepted(
    "9112 3.2.2: absolute form without path",
    `GET http://a HTTP/1.1\r\n${host}\r\n`,
    "GET http://a none keep",
  ),
  accepted(
    "9110 4.2.3: absolute form, default port",
    `GET http://a:80/ HTTP/1.1\r\n${host}\r\n`,
    "GET http://a:80/ none keep",
  ),
  accepted(
    "9110 4.2.3: absolute form, other case",
    `GET HTTP://A/ HTTP/1.1\r\n${host}\r\n`,
    "GET HTTP://A/ none keep",
  ),
  refused("9112 3.2.2: absolute form of another host", `GET http://b/ HTTP/1.1\r\n${host}\r\n`, mismatch),
  refused("9112 3.2.2: absolute form of another port", `GET http://a:81/ HTTP/1.1\r\n${host}\r\n`, mismatch),
  refused("9110 4.2.4: absolute form with userinfo", `GET http://u@a/ HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused("9110 4.2.1: absolute form without host", `GET http:///x HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused("9112 3.2.2: absolute form of another scheme", `GET ftp://a/ HTTP/1.1\r\n${host}\r\n`, badForm),
  accepted(
    "9112 3.2.2: absolute form in HTTP/1.0 without Host",
    "GET http://a/ HTTP/1.0\r\n\r\n",
    "GET http://a/ none close",
  ),
  accepted("9112 3.2.4: asterisk form", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, "OPTIONS * none keep"),
  refused("9112 3.2.4: asterisk form of another method", `GET * HTTP/1.1\r\n${host}\r\n`, badForm),
  refused("9112 3.2.4: asterisk with more", `OPTIONS *x HTTP/1.1\r\n${host}\r\n`, badForm),
  accepted(
    "9112 3.2.3: authority form",
    "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "CONNECT a:443 none keep",
  ),
  accepted(
    "9112 3.2.3: authority form, Host without port",
    "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT a:443 none keep",
  ),
  refused("9112 3.2.3: authority form of another method", `GET a:443 HTTP/1.1\r\n${host}\r\n`, badForm),
  refused("9112 3.2.3: CONNECT without port", `CONNECT a HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused("9112 3.2.3: CONNECT in origin form", `CONNECT /a HTTP/1.1\r\n${host}\r\n`, badTarget),
  refused(
    "9112 3.2: CONNECT to another host than Host",
    "CONNECT b:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    mismatch,
  ),
  refused(
    "9110 9.3.6: CONNECT with content",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\nx",
    "content in a CONNECT request",
  ),
  // Host.
  refused("9112 3.2: no Host", get(""), "host is missing"),
  refused("9112 3.2: two Hosts", get(`${host}${host}`), "host is repeated"),
  refused("9112 3.2: two Hosts in other case", get(`${host}hOST: b\r\n`), "host is repeated"),
  accepted("9112 3.2: no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "GET / none close"),
  refused("9112 3.2: two Hosts in HTTP/1.0", `GET / HTTP/1.0\r\n${host}${host}\r\n`, "host is repeated"),
  accepted("9110 7.2: empty Host", get("Host:\r\n"), "GET / none keep"),
  accepted("9110 7.2: Host with port", get("Host: a.example:8080\r\n"), "GET / none keep"),
  accepted("9110 7.2: Host with an IPv6 address", get("Host: [2001:db8::1]:8080\r\n"), "GET / none keep"),
  refused("9110 7.2: Host with an IPv6 address that does not end", get("Host: [2001:db8::1\r\n"), badHost),
  refused("9110 7.2: Host with bytes after the IPv6 address", get("Host: [2001:db8::1]x\r\n"), badHost),
  refused("9110 7.2: Host with userinfo", get("Host: u@a\r\n"), badHost),
  refused("9110 7.2: Host with a path", get("Host: a/b\r\n"), badHost),
  refused("9110 7.2: Host with a space", get("Host: a b\r\n"), badHost),
  refused("9110 7.2: Host as a list", get("Host: a, b\r\n"), badHost),
  refused("9110 7.2: Host with a port of letters", get("Host: a:b\r\n"), badHost),
  refused("9110 7.2: Host with a port above 65535", get("Host: a:65536\r\n"), badHost),
  refused("9110 7.2: Host of a port only", get("Host: :80\r\n"), badHost),
  // Fields.
  accepted("9112 5: no space after the colon", get("Host:a\r\n"), "GET / none keep"),
  accepted("9112 5: spaces and tabs around the value", get("Host: \t a \t \r\n"), "GET / none keep"),
  accepted("9110 5.5: empty value", get(`${host}X:\r\n`), "GET / none keep"),
  accepted("9110 5.5: obs-text in a value", get(`${host}X: \xfc\r\n`), "GET / none keep"),
  accepted(
    "9110 5.6.2: every token byte in a name",
    get(`${host}!#$%&'*+-.^_\`|~09aZ: x\r\n`),
    "GET / none keep",
  ),
  refused(
    "9112 5.1: space before the colon",
    get(`${host}X : y\r\n`),
    "white space between field name and colon",
  ),
  refused(
    "9112 5.1: tab before the colon",
    get(`${host}X\t: y\r\n`),
    "white space between field name and colon",
  ),
  refused(
    "9112 5.2: folded line",
    get(`${host}X: y\r\n z\r\n`),
    "line starts with white space (obsolete line folding)",
  ),
  refused(
    "9112 2.2: space before the first field",
    get(` X: y\r\n${host}`),
    "line starts with white space (obsolete line folding)",
  ),
  refused("9112 5: no name", get(`${host}: y\r\n`), badName),
  refused("9112 5: no colon", get(`${host}X\r\n`), badName),
  refused("9110 5.1: name with a byte that is no token", get(`${host}X@: y\r\n`), badName),
  refused("9110 5.1: name with obs-text", get(`${host}\xfc: y\r\n`), badName),
  refused("9110 5.5: NUL in a value", get(`${host}X: a\x00b\r\n`), badValue),
  refused("9110 5.5: DEL in a value", get(`${host}X: a\x7fb\r\n`), badValue),
  refused("9110 5.5: vertical tab in a value", get(`${host}X: a\x0bb\r\n`), badValue),
  refused("9112 2.2: bare carriage return in a value", get(`${host}X: a\rY: b\r\n`), bareCr),
  refused("9112 2.2: bare line feed in a value", get(`${host}X: a\nY: b\r\n`), bareLf),
  refused("9112 2.2: bare line feed as the empty line", `GET / HTTP/1.1\r\n${host}\n`, bareLf),
  refused("9112 2.2: bare carriage return as the empty line", `GET / HTTP/1.1\r\n${host}\rx\r\n\r\n`, bareCr),
];
