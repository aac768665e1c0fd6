/** Who may do what: the product against the text. `npm run conformance -- authorization` is the long form. */
import { expect, test } from "bun:test";
import { compareAuthorization } from "./compare-authorization.ts";

const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const cases = 10_000;

test(`decides as the text of the reference says (WEFT_TEST_SEED=${seed})`, () => {
  const { kinds, difference } = compareAuthorization(cases, seed);
  expect(difference).toBeUndefined();
  // Policies that want nobody, or everybody, would compare nothing.
  const wanted = [
    "allow",
    "allow by a rule",
    "deny",
    "deny by a rule",
    "ask by a rule",
    "audited",
    "would_deny",
  ];
  for (const kind of wanted) expect([kind, (kinds.get(kind) ?? 0) > cases / 50]).toEqual([kind, true]);
});
