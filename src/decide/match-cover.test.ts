/** What is said to cover really does: the route table itself never takes an entry that an earlier one covers. */
import { expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { HttpMatchSchema } from "../model/index.ts";
import { coversMatch } from "./match-cover.ts";
import { RouteTable } from "./route-table.ts";
import { randomRequest, randomRouting, seededRandom } from "./test/random-routing.ts";

type Match = MessageInitShape<typeof HttpMatchSchema>;
const exact = (value: string): Match => ({ path: { case: "pathExact", value } });
const prefix = (value: string): Match => ({ path: { case: "pathPrefix", value } });
const regex = (value: string): Match => ({ path: { case: "pathRegex", value } });
const header = (name: string, kind: "exact" | "regex", value: string): Match => ({
  headers: [{ name, value: { case: kind, value } }],
});

const rows: readonly (readonly [string, Match, Match, boolean])[] = [
  ["a prefix covers a longer one", prefix("/a"), prefix("/a/b"), true],
  ["a prefix does not cover another word", prefix("/a"), prefix("/ab"), false],
  ["a prefix covers a path in it", prefix("/a"), exact("/a/"), true],
  ["a path does not cover a prefix", exact("/a"), prefix("/a"), false],
  ["everything covers a pattern", prefix("/"), regex("/x.*"), true],
  ["a pattern covers a path that it fits", regex("/a/.*"), exact("/a/b"), true],
  ["whether a pattern covers a prefix is not decided", regex("/.*"), prefix("/a"), false],
  ["any method covers one", prefix("/"), { method: "GET" }, true],
  ["one method does not cover any", { method: "GET" }, prefix("/"), false],
  ["POST covers calls of gRPC", { method: "POST" }, { grpc: true }, true],
  ["calls of gRPC do not cover POST", { grpc: true }, { method: "POST" }, false],
  ["a header in any case", header("x-a", "exact", "1"), header("X-A", "exact", "1"), true],
  ["another value of a header", header("x-a", "exact", "1"), header("x-a", "exact", "2"), false],
  ["a header that is not asked for", header("x-a", "exact", "1"), prefix("/"), false],
  ["a pattern of values", header("x-a", "regex", "[0-9]+"), header("x-a", "exact", "12"), true],
];

test.each(rows)("%s", (_, wide, narrow, expected) => {
  expect(coversMatch(create(HttpMatchSchema, wide), create(HttpMatchSchema, narrow))).toBe(expected);
});

test("an entry that is covered is never taken", () => {
  const seed = 20260108;
  const random = seededRandom(seed);
  let covered = 0;
  let taken = 0;
  for (let round = 0; round < 1_500; round++) {
    const routing = randomRouting(random, 6);
    const dead = new Set(
      routing.entries.flatMap((entry, index) =>
        routing.entries.slice(0, index).some((earlier) => coversMatch(earlier.match, entry.match))
          ? [String(index)]
          : [],
      ),
    );
    covered += dead.size;
    const table = RouteTable.prepare(routing);
    for (let i = 0; i < 40; i++) {
      const rule = table.match(randomRequest(random));
      if (rule === undefined) continue;
      taken++;
      const { section } = rule;
      if (dead.has(section)) throw new Error(`seed ${seed} round ${round}: entry ${section} is taken`);
    }
  }
  expect(covered).toBeGreaterThan(500);
  expect(taken).toBeGreaterThan(1_000);
});
