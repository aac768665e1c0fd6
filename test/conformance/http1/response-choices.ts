/** Responses that a proxy may treat otherwise than our table says, each group with the words that allow it. */
import { byTitle, type Choice, type ChoiceGroup, prefixed } from "./choice.ts";

const responseGroups: readonly ChoiceGroup[] = [
  {
    allows: "anything",
    why: "9110 8.6, 9112 6.1: such a response MUST NOT have the field; who gets it may refuse or ignore it",
    titles: [
      ...prefixed("9112 6.3", "204 with a length", "204 with content"),
      ...prefixed("9112 6.1", "204 with a coding", "304 with a coding"),
      "9110 15.2: interim response with a length",
      "9110 15.2: interim response with a coding",
      "9110 15.2: unknown interim response with a length",
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
      "9112 9.5: malformed answer before the content",
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

export const responseChoices: ReadonlyMap<string, Choice> = byTitle(responseGroups);
