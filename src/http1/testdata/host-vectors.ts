/** Raw requests whose Host (or authority in the target) is at stake: RFC 9110 7.2 and RFC 9112 3.2, grammar of RFC 3986 3.2.2. */
import { accepted, get, host, refused, says, type Vector } from "./vector.ts";

const ok = "GET / none keep";

function good(name: string, value: string, section = "9110 7.2"): Vector {
  return accepted(`${section}: Host ${name}`, get(`Host: ${value}\r\n`), ok);
}

function bad(name: string, value: string, detail: string = says.badHost): Vector {
  return refused(`9110 7.2: Host ${name}`, get(`Host: ${value}\r\n`), detail);
}

export const hostVectors: readonly Vector[] = [
  good("with an empty port", "a:"),
  good("with port 0", "a:0"),
  good("with port 65535", "a:65535"),
  good("with a port of leading zeros", "a:00080"),
  good("of an IPv4 address", "127.0.0.1:80"),
  good("of an IPv6 address", "[::1]"),
  good("of an IPv6 address that ends as IPv4", "[::ffff:192.0.2.1]:80"),
  good("in upper case", "A.EXAMPLE"),
  good("with a final dot", "a.example.:80"),
  good("with an underscore", "a_b"),
  good("with an escape", "a%20b"),
  good("of one letter, alone", "a", "9112 3.2"),
  bad("with an empty IPv6 address", "[]"),
  bad("with a name in brackets", "[a]"),
  bad("with an IPv4 address in brackets", "[192.0.2.1]"),
  bad("with an IPv6 address of nine groups", "[1:2:3:4:5:6:7:8:9]"),
  bad("with two double colons", "[1::2::3]"),
  bad("with a zone", "[fe80::1%25eth0]"),
  bad("with two opening brackets", "[[::1]"),
  bad("with two closing brackets", "[::1]]"),
  bad("with a bracket inside", "a[b"),
  bad("of an IPv6 address without brackets", "::1"),
  bad("with two ports", "a:80:80"),
  bad("with a negative port", "a:-1"),
  bad("with a signed port", "a:+80"),
  bad("with a space in the port", "a:8 0"),
  bad("with letters after the port", "a:80a"),
  bad("with a letter after the IPv6 address's port", "[::1]:8x"),
  bad("with an escape cut short", "a%2"),
  bad("with an escape that is none", "a%zz"),
  bad("with a scheme", "http://a"),
  bad("with a query", "a?b"),
  bad("with a fragment", "a#b"),
  bad("with a backslash", "a\\b"),
  bad("with a quote", 'a"b'),
  bad("with angle brackets", "<a>"),
  bad("with an empty userinfo", "@a"),
  bad("with password", "u:p@a"),
  bad("with a comma at its end", "a,"),
  bad("with a tab inside", "a\tb"),
  bad("with obs-text", "\xe4"),
  bad("with a NUL", "a\x00b", says.badValue),
  bad("with a vertical tab before", "\x0ba", says.badValue),
  bad("with a DEL", "a\x7f", says.badValue),
  bad("with a bare carriage return", "a\rb", says.bareCr),
  refused("9112 5.2: Host that is folded", get("Host: a\r\n b\r\n"), says.folded),
  refused("9112 5.2: Host folded to the next line", get("Host:\r\n a\r\n"), says.folded),
  refused("9112 5.1: space before Host's colon", get("Host : a\r\n"), says.spaceBeforeColon),
  refused("9112 5.1: tab before Host's colon", get("Host\t: a\r\n"), says.spaceBeforeColon),
  refused("9112 2.2: space before Host as the first line", get(" Host: a\r\n"), says.folded),
  refused("9112 3.2: two Hosts, the second empty", get(`${host}Host:\r\n`), says.repeatedHost),
  refused(
    "9112 3.2: two Hosts with another field between",
    get(`${host}X: y\r\nHost: b\r\n`),
    says.repeatedHost,
  ),
  refused("9112 3.2: Host behind a bare line feed", get("X: y\nHost: a\r\n"), says.bareLf),
  refused("9112 3.2: no Host in an absolute form", "GET http://a/ HTTP/1.1\r\n\r\n", says.noHost),
  refused(
    "9112 3.2.2: absolute form and two Hosts",
    `GET http://a/ HTTP/1.1\r\n${host}${host}\r\n`,
    says.repeatedHost,
  ),
  refused(
    "9112 3.2.2: absolute form and an invalid Host",
    "GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n",
    says.badHost,
  ),
  refused(
    "9112 3.2.2: absolute form and an empty Host",
    "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n",
    says.mismatch,
  ),
  accepted(
    "9112 3.2.2: absolute form of an IPv6 address",
    "GET http://[::1]:81/x HTTP/1.1\r\nHost: [::1]:81\r\n\r\n",
    "GET http://[::1]:81/x none keep",
  ),
  refused(
    "9110 4.2.1: absolute form with a port only",
    `GET http://:80/ HTTP/1.1\r\n${host}\r\n`,
    says.badTarget,
  ),
  refused(
    "9112 3.2.2: absolute form with a port of letters",
    `GET http://a:b/ HTTP/1.1\r\n${host}\r\n`,
    says.badTarget,
  ),
  refused(
    "9112 3.2.2: absolute form whose authority has an at sign in front of ours",
    `GET http://a:80@b/ HTTP/1.1\r\n${host}\r\n`,
    says.badTarget,
  ),
  refused(
    "9112 3.2.2: absolute form with a backslash in the authority",
    `GET http://a\\b/ HTTP/1.1\r\n${host}\r\n`,
    says.badTarget,
  ),
  refused("9112 3.2.2: absolute form with one slash", `GET http:/a/ HTTP/1.1\r\n${host}\r\n`, says.badForm),
];
