/** The rules' file: what is wrong is told with its place, and a change is taken or leaves all as it was. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, VirtualClock, WeftError } from "../../kernel/index.ts";
import { readRules, RulesFile } from "./rules-file.ts";

const hash = "0123456789abcdef".repeat(4);
let directory = "";
let file = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-rules-"));
  file = join(directory, "rules.yaml");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o644 });
  chmodSync(`${file}.new`, 0o644);
  renameSync(`${file}.new`, file);
}
function problems(text: string): string[] {
  write(text);
  try {
    readRules(file);
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return error.issues.map(({ line, path }) => `${line} ${path}`);
  }
  return [];
}

test("every attribute and none of them are read", () => {
  write(
    `- match: {uid: 0, gid: 4294967294, cgroup: "name=systemd:/a/**", executable: /usr/bin/weft, sha256: "${hash}"}\n` +
      "  namespace: shop\n  serviceAccount: web.one\n",
  );
  expect(readRules(file)).toEqual([
    {
      match: {
        uid: 0,
        gid: 4_294_967_294,
        cgroup: "name=systemd:/a/**",
        executable: "/usr/bin/weft",
        sha256: hash,
      },
      namespace: "shop",
      serviceAccount: "web.one",
    },
  ]);
  write("[]");
  expect(readRules(file)).toEqual([]);
});

describe("what is wrong is told with line and path:", () => {
  const subject = "namespace: a, serviceAccount: b";
  const wrongs: [string, string, string[]][] = [
    ["no file content", "", ["1 "]],
    ["no list", "match: {}\n", ["1 "]],
    ["two documents", `[]\n---\n[]\n`, ["3 "]],
    ["no attribute", `- {match: {}, ${subject}}`, ["1 [0].match"]],
    ["an attribute that nobody knows", `- {match: {uid: 1, user: x}, ${subject}}`, ["1 [0].match.user"]],
    ["a field that nobody knows", `- {match: {uid: 1}, ${subject}, also: 1}`, ["1 [0].also"]],
    ["a missing account", "- {match: {uid: 1}, namespace: a}", ["1 [0].serviceAccount"]],
    ["a user that is no number", `- {match: {uid: root}, ${subject}}`, ["1 [0].match.uid"]],
    ["nobody", `- {match: {uid: 4294967295}, ${subject}}`, ["1 [0].match.uid"]],
    ["a relative executable", `- {match: {executable: weft}, ${subject}}`, ["1 [0].match.executable"]],
    ["a relative cgroup", `- {match: {cgroup: a/b}, ${subject}}`, ["1 [0].match.cgroup"]],
    [
      "a hash in capitals",
      `- {match: {sha256: "${hash.toUpperCase()}"}, ${subject}}`,
      ["1 [0].match.sha256"],
    ],
    [
      "the control plane's identity",
      "- {match: {uid: 1}, namespace: weft-system, serviceAccount: control}",
      ["1 [0].serviceAccount"],
    ],
    [
      "an account that is none",
      "- {match: {uid: 1}, namespace: a, serviceAccount: b/c}",
      ["1 [0].serviceAccount"],
    ],
    [
      "a rule that is never reached",
      `- {match: {uid: 1}, ${subject}}\n- {match: {uid: 1}, namespace: c, serviceAccount: d}`,
      ["2 [1].match"],
    ],
    ["a key that stands twice", `- {match: {uid: 1, uid: 2}, ${subject}}`, ["1 [0].match.uid"]],
    [
      "all of it at once",
      `- {match: {uid: -1, gid: x}, ${subject}}\n- {match: {sha256: short}, namespace: A, serviceAccount: b}`,
      ["1 [0].match.gid", "1 [0].match.uid", "2 [1].match.sha256", "2 [1].namespace"],
    ],
  ];
  test.each(wrongs)("%s", (_, text, expected) => {
    expect(problems(text).toSorted()).toEqual(expected);
  });
});

test("a file that others may write is refused", () => {
  write("[]");
  chmodSync(file, 0o664);
  expect(() => readRules(file)).toThrow("can be written by others");
});

test("a change is followed, and one that is wrong changes nothing", () => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const log = createLog({ format: "json", level: "info", write: (line) => void lines.push(line) });
  const rule = (account: string): string =>
    `- {match: {uid: 1}, namespace: shop, serviceAccount: ${account}}\n`;
  write(rule("web"));
  const rules = new RulesFile(file, { clock, log });
  write(rule("db"));
  expect(rules.rules[0]?.serviceAccount).toBe("web");
  clock.advance(2_000);
  expect(rules.rules[0]?.serviceAccount).toBe("db");
  write(`${rule("web")}- {match: {}, namespace: shop, serviceAccount: x}\n- 7\n`);
  clock.advance(10_000);
  expect(rules.rules[0]?.serviceAccount).toBe("db");
  expect(lines.filter((line) => line.includes("[2]"))).toHaveLength(1);
  rmSync(file);
  clock.advance(2_000);
  expect(rules.rules[0]?.serviceAccount).toBe("db");
  expect(lines.at(-1)).toContain("cannot be read");
  write("[]");
  clock.advance(2_000);
  expect(rules.rules).toEqual([]);
  rules.close();
  write(rule("web"));
  clock.advance(10_000);
  expect(rules.rules).toEqual([]);
});
