import { expect, test } from "bun:test";
import { parseCommand } from "./options.ts";

test("five rounds of five seconds with everything that the scenario says", () => {
  expect(parseCommand(["http1"])).toEqual({
    kind: "measure",
    options: {
      scenario: "http1",
      rounds: 5,
      seconds: 5,
      peers: undefined,
      connections: undefined,
      headers: undefined,
      json: undefined,
      isSmoke: false,
    },
  });
});

test("takes what the command line says instead", () => {
  const args = "http1 --rounds 7 --seconds 2 --peers weft,envoy --connections 512 --headers 15 --json f.json";
  expect(parseCommand(args.split(" "))).toMatchObject({
    options: {
      rounds: 7,
      seconds: 2,
      peers: ["weft", "envoy"],
      connections: 512,
      headers: 15,
      json: "f.json",
    },
  });
});

const wrong: readonly [string, string][] = [
  ["", "one scenario"],
  ["http1 http2", "one scenario"],
  ["http1 --rounds 0", "--rounds"],
  ["http1 --rounds 1.5", "--rounds"],
  ["http1 --seconds x", "--seconds"],
  ["http1 --headers 16", "--headers"],
  ["http1 --connections 10001", "--connections"],
  ["http1 --fast", "--fast"],
  ["all", "--json"],
];
for (const [line, problem] of wrong) {
  test(`refuses "${line}"`, () => {
    const command = parseCommand(line.split(" ").filter(Boolean));
    expect(command).toEqual({ kind: "wrong", problem: expect.stringContaining(problem) });
  });
}

test("a smoke run of all needs no place for results", () => {
  expect(parseCommand(["all", "--smoke"])).toMatchObject({
    options: { rounds: 1, seconds: 1, isSmoke: true },
  });
});
