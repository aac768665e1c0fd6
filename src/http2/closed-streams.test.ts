/** The last 256 streams that closed are remembered, and how. */
import { expect, test } from "bun:test";
import { ClosedStreams } from "./closed-streams.ts";

test("the last ones are remembered, older ones are not", () => {
  const closed = new ClosedStreams();
  expect(closed.stateOf(1)).toBe("unknown");
  for (let index = 0; index < 1_000; index++) {
    closed.add(index * 2 + 1, index % 3 === 0);
    for (const back of [0, 1, 15, 16, 17, 100, 255]) {
      if (index < back) continue;
      expect(closed.stateOf((index - back) * 2 + 1)).toBe((index - back) % 3 === 0 ? "reset" : "ended");
    }
    if (index >= 256) expect(closed.stateOf((index - 256) * 2 + 1)).toBe("unknown");
  }
});
