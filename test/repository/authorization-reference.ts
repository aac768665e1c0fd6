/** The text of docs/reference/authorization.md: what rules of authorization and of limits are made of. */
import { attributes } from "../../src/model/index.ts";
import { markdownTable } from "./markdown-table.ts";

const operators: readonly (readonly [string, string])[] = [
  ["`&&`, `||`, `!`", "of true and false"],
  ["`==`, `!=`", "of two texts, numbers, booleans or constants; of different types they are refused"],
  ["`>`, `>=`, and the other way round", "of two numbers or two texts"],
  ["`in`", "an element in a list, or a key in a map"],
  ["`c ? a : b`", "`a` where `c` is true, else `b`"],
  [
    "`has(a)`",
    "whether an attribute or an entry is there; also with an index, which CEL itself does not take",
  ],
  ["`a.startsWith(b)`, `a.endsWith(b)`, `a.contains(b)`", "of texts"],
  ['`a.matches("…")`', "RE2, anywhere in the text; the pattern is written out"],
  ["`size(a)`, `a.size()`", "of a text or a list"],
  ["`a.lowerAscii()`", "a text in lower case"],
  ['`inCidr(a, "10.0.0.0/8")`', "whether an address is in a prefix that is written out"],
];

export function authorizationReference(): string {
  return [
    "# Rules of authorization",
    "",
    "A rule of an [AuthorizationPolicy](kinds/authorizationpolicy.md), and the `match` of a limit in a",
    "[RateLimitPolicy](kinds/ratelimitpolicy.md), says which requests it is about: from whom (`from`), what they ask for (`to`), and",
    "under which conditions (`when`). All three must hold; what is left out holds always. Of several entries of `from` or `to`",
    "any is enough; within one all of its fields must hold. How policies combine is in [policies](policies.md).",
    "",
    "## Patterns",
    "",
    ...markdownTable(
      ["Pattern", "What it matches"],
      [
        ["`text`", "Just that."],
        ["`text*`", "What begins so."],
        ["`*text`", "What ends so."],
        ["`*`", "Anything that is there and not empty."],
        ["`/a/{*}/b`", "Of paths: one segment that is not empty, whichever."],
        ["`/a/{**}`", "Of paths: any number of segments, also none. Once in a path."],
      ],
    ),
    "",
    "Paths are compared in normal form, so a pattern in another form (`//`, `/../`, a query) is refused. Hosts and names of headers are",
    "compared without regard to case.",
    "",
    "## Conditions",
    "",
    "A condition is an expression of [CEL](https://cel.dev). It is read, checked and lowered in the control plane: what it names that",
    "does not exist, or compares that can never be equal, makes the policy `Accepted=False` with the place. What an expression",
    "reads and a request does not have is an error of the expression: an Allow does not match then, a Deny does.",
    "",
    "### What it may read",
    "",
    ...markdownTable(
      ["Attribute", "Type", "What it is", "Only of"],
      attributes.map(({ name, type, meaning, needsHttp, needsClaims }) => [
        `\`${name}\``,
        type,
        meaning,
        needsClaims ? "a valid token" : needsHttp ? "HTTP" : "",
      ]),
    ),
    "",
    "### What it may do",
    "",
    ...markdownTable(["Operator or function", "What it is"], operators),
    "",
    "Constants are texts, numbers, `true`, `false`, `null` and lists of them. Arithmetic, macros (`all`, `exists`, `map`, `filter`), maps and times",
    "are not taken.",
    "",
    "This page is written from the code; `WEFT_UPDATE_GOLDEN=1 npm run test:repository` writes it anew.",
    "",
  ].join("\n");
}
