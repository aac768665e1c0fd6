/** Chunked bodies of requests, each with its one right outcome: RFC 9112 7.1 unless it says otherwise. */
import type { Vector } from "./recorder.ts";

const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const open = "POST / chunked keep";

function accepted(name: string, body: string, outcome: string, section = "7.1"): Vector {
  return { title: `9112 ${section}: ${name}`, raw: head + body, outcome: [outcome] };
}

/** `content`: what was delivered before the fault. */
function refused(name: string, body: string, detail: string, content = ""): Vector {
  const line = content === "" ? `${open} ?` : `${open} ${JSON.stringify(content)} ?`;
  return {
    title: `9112 7.1: ${name}`,
    raw: head + body,
    outcome: [line, `! malformed_request: ${detail}`],
  };
}

const badSize = "chunk size is no hexadecimal number";
const tooLarge = "chunk size is too large";
const badExtension = "chunk extension is malformed";
const badEnd = "chunk does not end where its size says";
const bareLf = "line feed without carriage return";
const bareCr = "carriage return without line feed";

export const chunkVectors: readonly Vector[] = [
  accepted("two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", `${open} "abcde"`),
  accepted(
    "hexadecimal in both cases",
    `A\r\n${"x".repeat(10)}\r\nb\r\n${"y".repeat(11)}\r\n0\r\n\r\n`,
    `${open} "${"x".repeat(10)}${"y".repeat(11)}"`,
  ),
  accepted("leading zeros", "0003\r\nabc\r\n000\r\n\r\n", `${open} "abc"`),
  accepted("line ends in the data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", `${open} "\\r\\n\\r\\n"`),
  accepted("extension", "3;a\r\nabc\r\n0\r\n\r\n", `${open} "abc"`, "7.1.1"),
  accepted("extension with a value", "3;a=b;c=d\r\nabc\r\n0;z\r\n\r\n", `${open} "abc"`, "7.1.1"),
  accepted("extension with a quoted value", '3;a="b;\\"c"\r\nabc\r\n0\r\n\r\n', `${open} "abc"`, "7.1.1"),
  accepted("space around an extension's parts", "3 ; a = b\r\nabc\r\n0\r\n\r\n", `${open} "abc"`, "7.1.1"),
  accepted(
    "trailers",
    "3\r\nabc\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n",
    `${open} "abc" trailers "X-Sum: 1\\r\\nY: 2\\r\\n"`,
    "7.1.2",
  ),
  accepted(
    "trailers that must not be forwarded",
    "0\r\nContent-Length: 9\r\nX: 1\r\nHost: b\r\n\r\n",
    `${open} trailers "X: 1\\r\\n"`,
    "7.1.2",
  ),
  refused("no size", "\r\nabc\r\n0\r\n\r\n", badSize),
  refused("size that is no number", "x\r\nabc\r\n", badSize),
  refused("size with a sign", "+3\r\nabc\r\n", badSize),
  refused("negative size", "-3\r\nabc\r\n", badSize),
  refused("size with 0x", "0x3\r\nabc\r\n", badSize),
  refused("space before the size", " 3\r\nabc\r\n", badSize),
  refused("space after the size", "3 \r\nabc\r\n", badExtension),
  refused("size of 17 digits", `${"0".repeat(17)}\r\n\r\n`, tooLarge),
  refused("size that overflows 64 bits", "ffffffffffffffff\r\n", tooLarge),
  refused("size above 2^40", "10000000001\r\n", tooLarge),
  refused("bare line feed after the size", "3\nabc\r\n", bareLf),
  refused("bare carriage return after the size", "3\rabc\r\n", bareCr),
  refused("bare line feed in an extension", "3;a\nabc\r\n", bareLf),
  refused("bare carriage return in an extension", "3;a\rbc\r\n", bareCr),
  refused("extension without a name", "3;\r\nabc\r\n", badExtension),
  refused("extension that starts with =", "3;=b\r\nabc\r\n", badExtension),
  refused("extension without its value", "3;a=\r\nabc\r\n", badExtension),
  refused("quoted value that does not end", '3;a="b\r\nabc\r\n', badExtension),
  refused("control byte in an extension", "3;a\x00\r\nabc\r\n", badExtension),
  refused("data longer than the size", "3\r\nabcd\r\n0\r\n\r\n", badEnd, "abc"),
  refused("data shorter than the size", "3\r\nab\r\n0\r\n\r\n", badEnd, "ab\r"),
  refused("bare line feed after the data", "3\r\nabc\n0\r\n\r\n", badEnd, "abc"),
  refused(
    "folded trailer",
    "0\r\nX: 1\r\n 2\r\n\r\n",
    "line starts with white space (obsolete line folding)",
  ),
  refused("trailer without a name", "0\r\n: 1\r\n\r\n", "field name is empty or no token"),
  refused("bare line feed after the last chunk", "0\r\n\n", bareLf),
  refused(
    "extensions beyond the limit",
    `3;${"a".repeat(5000)}\r\nabc\r\n`,
    "chunk extensions are too large",
  ),
  {
    title: "9110 5.4: trailers beyond the limit",
    raw: `${head}0\r\nX: ${"a".repeat(9000)}\r\n\r\n`,
    outcome: [`${open} ?`, "! headers_too_large: trailers are too large"],
  },
];
