/** What lists of path patterns say by the first segment alone. */
import { expect, test } from "bun:test";
import { headOf, headsOf } from "./path-head.ts";

test.each([
  ["/", ""],
  ["/orders", "orders"],
  ["/orders/", "orders"],
  ["/orders/7", "orders"],
])("the first segment of %s is %p", (path, head) => {
  expect(headOf(path)).toBe(head);
});

test.each<[string[], string[] | undefined]>([
  [["/admin/*"], ["admin"]],
  [
    ["/admin", "/admin/*", "/a/b/*"],
    ["admin", "a"],
  ],
  [["/"], [""]],
  [["/Admin"], ["Admin"]],
  [["/%61dmin/*"], ["admin"]],
  [["/{x"], []],
  [
    ["/orders/{*}/items", "/carts/{**}"],
    ["orders", "carts"],
  ],
  [["/adm*"], undefined],
  [["/a", "/adm*"], undefined],
  [["*/edit"], undefined],
  [["/{*}/edit"], undefined],
  [["/{**}/edit"], undefined],
  [["/{**}"], undefined],
  [["*"], []],
  [["/*"], []],
  [["/adm*", "/*"], []],
  [["/a*b", "/a"], ["a"]],
])("%j tell apart paths that begin with %j", (patterns, heads) => {
  expect(headsOf(patterns)).toEqual(heads && new Set(heads));
});
