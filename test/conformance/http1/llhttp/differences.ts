/**
 * Where we and llhttp may differ, each with its reason. Anything else is a failure, and so is a class that no input showed any
 * more: then it says something that is no longer true.
 */
import type { Message } from "./reading.ts";

/** We refuse what llhttp accepts: by our own words, without the reason code. Every one of them is meant. */
export const stricter: Readonly<Record<"request" | "response", readonly string[]>> = {
  request: [
    "host is missing",
    "host is repeated",
    "host is no host and port",
    "host differs from the request target's authority",
    "request target is empty or has a byte that no target has",
    "request target's form does not fit the method",
    "connection option is no token or names a field that is not the hop's",
    "transfer-encoding does not end in a single chunked",
    "transfer coding other than chunked",
    "transfer-encoding in an HTTP/1.0 message",
    "content in a CONNECT request",
    "more than one empty line before the start line",
    "line feed without carriage return",
    "carriage return without line feed",
    "protocol version is malformed",
    "major version is not 1",
    "too many fields",
    "head is too large",
    "request target is too long",
    "chunk extension is malformed",
    "chunk extensions are too large",
    "chunk size is too large",
    "trailers are too large",
  ],
  response: [
    "status line is malformed",
    "protocol version is malformed",
    "major version is not 1",
    "protocol switch that was not asked for",
    "connection option is no token or names a field that is not the hop's",
    "transfer-encoding does not end in a single chunked",
    "transfer coding other than chunked",
    "transfer-encoding in an HTTP/1.0 message",
    "carriage return without line feed",
    "too many fields",
    "head is too large",
    "too many interim responses",
    "chunk extensions are too large",
  ],
};

/** The same, but too rare to be asked for in every run. */
export const rarelyStricter: readonly string[] = [
  "content-length is no decimal number",
  "line feed without carriage return",
  "chunk extension is malformed",
  // Only with an empty coding, which llhttp takes for none.
  "both content-length and transfer-encoding",
];

/** llhttp knows the coding only where no tab is behind it; a response it then reads until the connection ends. */
export const tabBehindCoding = "tab behind the coding";
export const hasTabBehindCoding = (raw: string): boolean => /chunked *\t/i.test(raw);

export interface Exception {
  readonly name: string;
  readonly why: string;
  /** llhttp's words where it refuses; `any` where it reads the message otherwise, whatever comes of that. */
  readonly errors: readonly string[] | "any";
  /** Of the message as we read it, and the bytes that it came in. */
  readonly applies: (message: Message, raw: string) => boolean;
}

const hasField = (message: Message, name: string): boolean =>
  message.fields.some(([field]) => field.toLowerCase() === name);
const isChunked = (message: Message): boolean => hasField(message, "transfer-encoding");
const isInterim = ({ status }: Message): boolean => status >= 100 && status < 200;

const spaceAroundExtension: Exception = {
  name: "white space around a chunk extension",
  why: "9112 7.1.1: BWS is allowed there, and RFC 9110 5.6.3 has recipients read it",
  errors: [
    "Invalid character in chunk size",
    "Invalid character in chunk extensions",
    "Invalid character in chunk extensions name",
    "Invalid character in chunk extensions value",
    "Invalid character in chunk extensions quoted value",
    "Invalid character in chunk extensions quote value",
  ],
  applies: isChunked,
};

/** We accept what llhttp refuses, or reads otherwise. */
export const exceptions: Readonly<Record<"request" | "response", readonly Exception[]>> = {
  request: [
    {
      name: tabBehindCoding,
      why: "9112 5: optional white space is spaces and tabs",
      errors: ["Request has invalid `Transfer-Encoding`"],
      applies: (message, raw) => isChunked(message) && hasTabBehindCoding(raw),
    },
    {
      name: "method that llhttp does not know",
      why: "9110 9.1: the set of methods is open, and a proxy passes them on",
      errors: ["Invalid method encountered", "Expected space after method"],
      applies: ({ method }) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(method),
    },
    {
      name: "higher minor version",
      why: "9110 2.5: is read as the highest minor version that is known",
      errors: ["Invalid HTTP version"],
      applies: () => true,
    },
    {
      name: "framing field in the trailers",
      why: "9110 6.5.1: has no meaning there, and is not passed on; llhttp takes it for one of the head",
      errors: [
        "Content-Length can't be present with Transfer-Encoding",
        "Content-Length can't be present with chunked encoding",
        "Transfer-Encoding can't be present with Content-Length",
        "Invalid `Transfer-Encoding` header value",
        "Request has invalid `Transfer-Encoding`",
        "Invalid character in Content-Length",
        "Content-Length already present",
      ],
      applies: isChunked,
    },
    {
      name: "tab behind the length",
      why: "9112 5: optional white space is spaces and tabs",
      errors: ["Invalid character in Content-Length"],
      applies: (message) => hasField(message, "content-length"),
    },
    spaceAroundExtension,
  ],
  response: [
    spaceAroundExtension,
    {
      name: "higher minor version",
      why: "9110 2.5: is read as the highest minor version that is known",
      errors: ["Invalid HTTP version"],
      applies: () => true,
    },
    {
      name: "framing field in the trailers",
      why: "9110 6.5.1: has no meaning there, and is not passed on; llhttp takes it for one of the head",
      errors: [
        "Content-Length can't be present with Transfer-Encoding",
        "Content-Length can't be present with chunked encoding",
        "Invalid character in Content-Length",
        "Content-Length already present",
      ],
      applies: isChunked,
    },
    {
      name: "tab behind the length",
      why: "9112 5: optional white space is spaces and tabs",
      errors: ["Invalid character in Content-Length"],
      applies: (message) => hasField(message, "content-length"),
    },
    {
      name: "response behind an interim one of HTTP/1.0 or with close",
      why: "9110 15.2: an interim response ends nothing",
      errors: ["Data after `Connection: close`"],
      applies: () => true,
    },
    {
      name: "interim response with a length or a coding",
      why: "9110 15.2: has no content, whatever it says; llhttp takes what follows for its content",
      errors: "any",
      applies: (message) => isInterim(message) && (isChunked(message) || hasField(message, "content-length")),
    },
    {
      name: tabBehindCoding,
      why: "9112 5: optional white space is spaces and tabs",
      errors: "any",
      applies: (message, raw) => isChunked(message) && hasTabBehindCoding(raw),
    },
  ],
};
