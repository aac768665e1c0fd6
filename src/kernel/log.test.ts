/** Log lines: their form as text and JSON, levels, and control bytes that never reach a terminal. */
import { describe, expect, test } from "bun:test";
import { createLog } from "./log.ts";

function capture(format: "text" | "json") {
  const lines: string[] = [];
  const log = createLog({ format, level: "info", write: (line) => void lines.push(line), nowMs: () => 0 });
  return { lines, log };
}

describe("log", () => {
  test("writes one line with quoted values as text", () => {
    const { lines, log } = capture("text");
    log.with({ proxy: "a/b" }).info("connected", { to: "10.0.0.1:15012", note: "two words" });
    expect(lines).toEqual([
      '1970-01-01T00:00:00.000Z info  connected proxy=a/b to=10.0.0.1:15012 note="two words"\n',
    ]);
  });

  test("never lets a peer's control bytes through", () => {
    const { lines, log } = capture("text");
    // U+009B alone begins a terminal sequence, as ESC and [ do together.
    log.info("bad \u001b[2J\nline\u009b2J", { value: "\u001b[31m \u009b31m\u007f" });
    expect(lines.join("").replace(/\n$/, "")).not.toMatch(/\p{Cc}/u);
  });

  test("drops what is below its level but never the ready line", () => {
    const { lines, log } = capture("json");
    log.debug("hidden");
    log.ready({ api: "http://127.0.0.1:1" });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time: "1970-01-01T00:00:00.000Z", event: "ready", api: "http://127.0.0.1:1" },
    ]);
  });
});
