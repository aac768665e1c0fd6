/**
 * Vectors where the RFC lets a recipient do otherwise than our table says: by title, with the words that allow it. They are
 * never counted against a peer; where only repair is allowed, passing the message on as it came is.
 */

export interface Choice {
  /** `repair`: it may be passed on once it is well-formed. `anything`: it may also be refused or passed on as it is. */
  readonly allows: "repair" | "anything";
  readonly why: string;
}

interface Group extends Choice {
  readonly titles: readonly string[];
}

const prefixed = (prefix: string, ...names: string[]): string[] => names.map((name) => `${prefix}: ${name}`);

const requestGroups: readonly Group[] = [
  {
    allows: "repair",
    why: "9112 2.2: a recipient MAY recognize a single LF as a line terminator of start line and fields",
    titles: [
      ...prefixed(
        "9112 2.2",
        "bare line feed before",
        "bare line feed after the start line",
        "bare line feed in a value",
        "bare line feed as the empty line",
        "bare line feeds throughout",
        "line feed, carriage return",
        "bare line feed at a value's end",
        "bare line feed before a smuggled field",
        "line feed, carriage return between fields",
      ),
      "9112 3.2: Host behind a bare line feed",
      "9112 11.2: bare line feed hides the coding",
      ...prefixed("9112 7.1", "bare line feed after the last chunk", "bare line feed in a trailer"),
    ],
  },
  {
    allows: "repair",
    why: "9112 2.2: a bare CR makes an element invalid or is replaced by SP",
    titles: [
      ...prefixed(
        "9112 2.2",
        "bare carriage return in the start line",
        "bare carriage return before",
        "carriage return twice after the start line",
        "bare carriage return in a value",
        "bare carriage return as the empty line",
        "bare carriage return at a value's end",
        "bare carriage return before a smuggled field",
      ),
      "9112 6.1: coding with a bare carriage return",
      "9112 7.1: bare carriage return in a trailer",
    ],
  },
  {
    allows: "repair",
    why: "9112 2.2: a server SHOULD ignore at least one empty line before a request",
    titles: prefixed(
      "9112 2.2",
      "two empty lines before",
      "three empty lines before",
      "two empty lines between requests",
    ),
  },
  {
    allows: "repair",
    why: "9112 2.2: lines behind the start line that begin with white space may be consumed",
    titles: prefixed(
      "9112 2.2",
      "space before the first field",
      "tab before the first field",
      "empty line of spaces after the start line",
    ),
  },
  {
    allows: "repair",
    why: "9112 3: recipients MAY parse on words, with any white space between them",
    titles: [
      ...prefixed(
        "9112 3",
        "two spaces after the method",
        "two spaces before the version",
        "tab for a space",
        "space after the version",
        "vertical tab for a space",
        "form feed before the version",
        "tab before the version",
      ),
      "9112 2.2: space before the method",
    ],
  },
  {
    allows: "repair",
    why: "9112 5.2: a server MUST refuse obs-fold or replace it by SP",
    titles: prefixed(
      "9112 5.2",
      "folded line",
      "folded with a tab",
      "folded into nothing",
      "folded twice",
      "folded after an empty value",
      "field that a fold hides",
      "coding that a fold hides",
      "folded Content-Length",
      "folded Transfer-Encoding",
      "line of spaces only",
      "Host folded to the next line",
      "space before Transfer-Encoding",
    ).concat("9112 7.1: folded trailer"),
  },
  {
    allows: "repair",
    why: "9110 5.5: NUL in a value MUST be refused or replaced by SP",
    titles: [
      ...prefixed(
        "9110 5.5",
        "NUL in a value",
        "field value with a NUL at its end",
        "field value with a NUL at its start",
      ),
      "9110 8.6: Content-Length with a NUL",
      "9112 6.1: coding with a NUL",
      "9112 6.1: coding with a NUL before",
      "9112 7.1: NUL in a trailer",
    ],
  },
  {
    allows: "anything",
    why: "9110 5.5: recipients MAY retain other control bytes within a safe context",
    titles: prefixed(
      "9110 5.5",
      "DEL in a value",
      "vertical tab in a value",
      "field value with a backspace",
      "field value with an escape",
      "field value with a bell",
      "field value with a form feed",
      "field value with only a vertical tab",
      "field value with a unit separator",
    ),
  },
  {
    allows: "anything",
    why: "9112 3.2.2: the target's host counts and Host is ignored; we refuse, as somebody behind us may do the opposite",
    titles: prefixed(
      "9112 3.2.2",
      "absolute form of another host",
      "absolute form of another port",
      "absolute form of another scheme",
      "absolute form and an empty Host",
      "another host before a smuggled path",
    ),
  },
  {
    allows: "anything",
    why: "9110 9.3.6: whom CONNECT is served for is the server's own matter",
    titles: [
      ...prefixed(
        "9112 3.2.3",
        "authority form",
        "authority form, Host without port",
        "CONNECT without port",
        "CONNECT in origin form",
        "CONNECT to a port only",
        "CONNECT in absolute form",
        "CONNECT with an empty port",
        "CONNECT with userinfo",
        "CONNECT to an IPv6 address",
      ),
      "9112 3.2: CONNECT to another host than Host",
      "9110 9.3.6: CONNECT with content",
      "9110 9.3.6: CONNECT with chunked content",
    ],
  },
  {
    allows: "repair",
    why: "9112 6.3: Transfer-Encoding overrides Content-Length, or the message is refused",
    titles: [
      ...prefixed("9112 6.1", "length and coding", "coding and length"),
      ...prefixed(
        "9112 11.2",
        "length hides a request that the coding shows",
        "coding hides a request that the length shows",
        "length of 0 and a coding",
        "length and coding, a request behind",
      ),
    ],
  },
  {
    allows: "repair",
    why: "9112 6.1: such framing is faulty, and the connection ends after the message; reading it is not forbidden",
    titles: [
      ...prefixed("9112 6.1", "coding in HTTP/1.0", "coding in HTTP/1.0 that stays", "identity in HTTP/1.0"),
      "9112 11.2: length and a coding in HTTP/1.0",
    ],
  },
  {
    allows: "anything",
    why: "9110 5.6.1.2: empty elements of a list are ignored",
    titles: [
      ...prefixed(
        "9112 6.1",
        "coding ending in a comma",
        "coding after an empty element",
        "coding before an empty element",
        "chunked, then an empty line of coding",
        "an empty line of coding, then chunked",
      ),
      ...prefixed(
        "9110 8.6",
        "Content-Length that ends in a comma",
        "Content-Length that starts with a comma",
      ),
    ],
  },
  {
    allows: "anything",
    why: "9112 6.1: 501 is for codings that a server does not understand; another may",
    titles: [
      ...prefixed(
        "9112 6.1",
        "coding not understood before chunked",
        "the same on two lines",
        "coding deflate before chunked",
      ),
      "9112 11.2: unknown coding, a request behind",
    ],
  },
  {
    allows: "repair",
    why: "9110 8.6: equal lengths may be replaced by one",
    titles: [
      ...prefixed("9112 6.3", "list of equal lengths", "two equal lengths", "three equal lengths"),
      "9110 8.6: Content-Length of two equal lengths without space",
    ],
  },
  {
    allows: "anything",
    why: "9110 8.6: any length is valid; how large a one is read is the recipient's own limit",
    titles: prefixed("9110 8.6", "content-length above 2^53"),
  },
  {
    allows: "anything",
    why: "9110 7.6.1: named fields are removed; we refuse where that would change what the message is, or an option is no token",
    titles: prefixed(
      "9110 7.6.1",
      "Connection that names Host",
      "Connection that names Content-Length",
      "Connection that names Transfer-Encoding",
      "Connection that names Authorization",
      "Connection that names Cookie",
      "Connection that names Host among others",
      "Connection that names a coding and its length",
      "Connection option that is no token",
      "Connection option in quotes",
      "Connection option with a semicolon",
      "Connection option with obs-text",
    ),
  },
  {
    allows: "anything",
    why: "9110 9.1: a method that is not known may be answered with 501, one that is not allowed with 405",
    titles: [
      ...prefixed("9110 9.1", "unknown method", "methods are case-sensitive", "method with a hyphen"),
      "9112 3.1: method of 32 bytes",
      "9110 9.3.4: PUT of a mixed-case look-alike",
    ],
  },
  {
    allows: "anything",
    why: "9110 9.3: content in such a method may be refused",
    titles: [
      "9112 6: content in a GET",
      "9112 6.1: chunked content in GET",
      "9110 9.3.5: content in DELETE",
      "9110 9.3.7: content in OPTIONS",
      "9110 9.3.2: content in HEAD",
    ],
  },
  {
    allows: "anything",
    why: "limits are everybody's own: 9112 3, 9110 5.4, 9112 7.1.1",
    titles: [
      ...prefixed("9112 3", "method of 33 bytes", "target beyond the limit", "target of 100,000 bytes"),
      "9110 9.1: method of 1,000 bytes",
      ...prefixed(
        "9110 5.4",
        "value of 6,000 bytes",
        "90 fields",
        "too many fields",
        "5,000 fields",
        "one field of 100,000 bytes",
        "one name of 100,000 bytes",
        "trailers beyond the limit",
        "too many trailers",
      ),
      ...prefixed("9112 7.1", "extensions beyond the limit", "extensions of many chunks beyond the limit"),
      ...prefixed("9112 7.1.1", "extension of 4,000 bytes"),
    ],
  },
  {
    allows: "anything",
    why: "9112 2.3: HTTP/0.9 is another protocol, which a server may speak too",
    titles: prefixed("9112 3", "HTTP/0.9", "HTTP/0.9 without a target's line end"),
  },
  {
    allows: "anything",
    why: "9110 7.8: a server may ignore Upgrade",
    titles: prefixed("9110 7.8", "upgrade"),
  },
  {
    allows: "anything",
    why: "9110 10.1.1: an unknown expectation may be answered with 417",
    titles: prefixed("9110 10.1.1", "unknown expectation"),
  },
  {
    allows: "anything",
    why: "9110 7.2: valid, but a name that a server need not serve",
    titles: prefixed("9110 7.2", "empty Host", "Host with an escape", "Host with port 0"),
  },
  {
    allows: "anything",
    why: "3986 3.2: within the grammar of a host and port, though it names none that could be served",
    titles: prefixed(
      "9110 7.2",
      "Host with a port above 65535",
      "Host of a port only",
      "Host with a comma at its end",
      "Host with a zone",
    ),
  },
  {
    allows: "anything",
    why: "9112 7.1: how large a chunk, and how long a number, is read is the recipient's own limit",
    titles: prefixed("9112 7.1", "size of 17 digits", "size above 2^40", "size that overflows 64 bits"),
  },
  {
    allows: "anything",
    why: "9110 9.3.7, 7.6.2: a gateway may answer OPTIONS for itself",
    titles: prefixed("9112 3.2.4", "asterisk form", "asterisk in HTTP/1.0"),
  },
];

const responseGroups: readonly Group[] = [
  {
    allows: "anything",
    why: "9110 8.6, 9112 6.1: such a response MUST NOT have the field; who gets it may refuse or ignore it",
    titles: [
      ...prefixed("9112 6.3", "204 with a length", "204 with content"),
      ...prefixed("9112 6.1", "204 with a coding", "304 with a coding"),
      "9110 15.2: interim response with a length",
    ],
  },
  {
    allows: "anything",
    why: "9112 7.1: how large a chunk is read is the recipient's own limit",
    titles: prefixed("9112 7.1", "size of a response's chunk that overflows"),
  },
  {
    allows: "repair",
    why: "9112 2.2: a recipient MAY recognize a single LF as a line terminator of start line and fields",
    titles: prefixed(
      "9112 2.2",
      "bare line feed after the status line",
      "bare line feeds throughout a response",
      "bare line feed in a value of a response",
    ),
  },
  {
    allows: "repair",
    why: "9112 2.2: a bare CR makes an element invalid or is replaced by SP",
    titles: prefixed(
      "9112 2.2",
      "bare carriage return in the reason phrase",
      "carriage return twice after the status line",
      "bare carriage return in a value of a response",
    ),
  },
  {
    allows: "repair",
    why: "9112 2.2: lines behind the start line that begin with white space may be consumed",
    titles: prefixed("9112 2.2", "space before the first field of a response", "empty line before"),
  },
  {
    allows: "repair",
    why: "9112 4: recipients MAY parse on words, with any white space between them, and ignore the reason phrase",
    titles: prefixed(
      "9112 4",
      "two spaces before the status",
      "tab before the status",
      "space before the version",
      "control byte in the reason phrase",
      "DEL in the reason phrase",
    ),
  },
  {
    allows: "repair",
    why: "9112 5.1: a proxy MUST remove white space before a colon of a response; we refuse what its server cannot have meant",
    titles: [
      ...prefixed(
        "9112 5.1",
        "space before a colon",
        "tab before a colon",
        "space before Content-Length's colon in a response",
      ),
      "9110 15.2: malformed interim response",
    ],
  },
  {
    allows: "repair",
    why: "9112 5.2: a proxy MUST answer obs-fold with 502 or replace it by SP",
    titles: prefixed("9112 5.2", "folded line", "fold with a tab", "fold that hides a coding").concat(
      "9112 7.1: folded trailer of a response",
    ),
  },
  {
    allows: "repair",
    why: "9110 5.5: NUL in a value MUST be refused or replaced by SP",
    titles: ["9110 5.5: NUL in a value", "9110 8.6: length with a NUL"],
  },
  {
    allows: "anything",
    why: "9110 5.5: recipients MAY retain other control bytes within a safe context",
    titles: prefixed("9110 5.5", "DEL in a value", "escape in a value", "vertical tab in a value"),
  },
  {
    allows: "anything",
    why: "9110 15: a status outside of 100 to 599 is taken for 5xx; 9112 4: the space before an empty phrase",
    titles: [
      ...prefixed("9110 15", "status below 100", "status outside the classes"),
      ...prefixed("9112 4", "status 000", "no space after the status"),
    ],
  },
  {
    allows: "anything",
    why: "9112 6.3: a response whose last coding is not chunked ends with the connection",
    titles: [
      "9112 6.3: coding that is not chunked",
      "9112 6.1: coding not understood",
      "9112 6.1: coding in HTTP/1.0",
      ...prefixed(
        "9112 6.1",
        "chunked twice in a response",
        "chunked not last in a response",
        "identity in a response",
        "coding almost chunked in a response",
        "coding in quotes in a response",
        "empty coding in a response",
        "identity before chunked in a response",
      ),
    ],
  },
  {
    allows: "repair",
    why: "9112 6.3: Transfer-Encoding overrides Content-Length, or the message is refused",
    titles: prefixed("9112 6.3", "length and coding", "coding and length in a response"),
  },
  {
    allows: "repair",
    why: "9110 8.6: equal lengths may be replaced by one",
    titles: prefixed("9112 6.3", "list of lengths", "two equal lengths in a response"),
  },
  {
    allows: "anything",
    why: "9110 7.6.1: named fields are removed; no action is named for an option that is no token",
    titles: prefixed(
      "9110 7.6.1",
      "Connection that names the length",
      "Connection option that is no token in a response",
    ),
  },
  {
    allows: "anything",
    why: "limits are everybody's own: 9110 5.4, 15.2, 9112 7.1.1",
    titles: [
      ...prefixed("9110 5.4", "too many fields in a response", "field of 100,000 bytes in a response"),
      "9110 15.2: interim responses without end",
      "9112 7.1: extensions of a response beyond the limit",
    ],
  },
  {
    allows: "anything",
    why: "9110 7.8: a server may ignore Upgrade, and a proxy need not pass it on",
    titles: [
      ...prefixed("9110 7.8", "switch that was asked for", "upgrade refused"),
      "9110 15.2.2: switch without Upgrade",
      "9110 15.5.22: Upgrade in a 426",
    ],
  },
];

function byTitle(groups: readonly Group[]): ReadonlyMap<string, Choice> {
  return new Map(
    groups.flatMap(({ titles, allows, why }) => titles.map((title) => [title, { allows, why }] as const)),
  );
}

export const requestChoices: ReadonlyMap<string, Choice> = byTitle(requestGroups);
export const responseChoices: ReadonlyMap<string, Choice> = byTitle(responseGroups);
