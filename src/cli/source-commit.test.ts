/** Commits are told from repositories that git itself has made. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sourceCommitOf } from "./source-commit.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-git-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const identity = ["-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"];

function git(...args: readonly string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const run = Bun.spawnSync(["git", ...identity, ...args], { cwd: folder, env });
  if (run.exitCode !== 0) throw new Error(run.stderr.toString());
  return run.stdout.toString().trim();
}

function committed(): string {
  git("init", "-q");
  mkdirSync(join(folder, "mesh"));
  writeFileSync(join(folder, "mesh", "a.yaml"), "a: 1\n");
  writeFileSync(join(folder, "mesh", "b.yaml"), "b: 1\n");
  git("add", ".");
  git("commit", "-qm", "one");
  return git("rev-parse", "HEAD");
}

describe.skipIf(Bun.which("git") === null)("the commit of files (needs git)", () => {
  test("is the checkout's, on a branch, packed, and in another worktree of it", () => {
    const head = committed();
    expect(sourceCommitOf([join(folder, "mesh")])).toBe(head);
    git("gc", "-q");
    expect(sourceCommitOf([join(folder, "mesh", "a.yaml")])).toBe(head);
    git("worktree", "add", "-q", join(folder, "other"));
    expect(sourceCommitOf([join(folder, "other", "mesh")])).toBe(head);
    git("checkout", "-q", "--detach");
    expect(sourceCommitOf([join(folder, "mesh")])).toBe(head);
  });

  test("is not known of files that were changed, are new, or are staged", () => {
    const head = committed();
    writeFileSync(join(folder, "mesh", "a.yaml"), "a: 2\n");
    expect(sourceCommitOf([join(folder, "mesh")])).toBeUndefined();
    expect(sourceCommitOf([join(folder, "mesh", "b.yaml")])).toBe(head);
    git("add", ".");
    expect(sourceCommitOf([join(folder, "mesh")])).toBeUndefined();
    git("commit", "-qm", "two");
    expect(sourceCommitOf([join(folder, "mesh")])).toBe(git("rev-parse", "HEAD"));
    writeFileSync(join(folder, "mesh", "c.yaml"), "c: 1\n");
    expect(sourceCommitOf([join(folder, "mesh")])).toBeUndefined();
  });

  test("is not taken for that of a commit that was gone back to with its files left as they are", () => {
    committed();
    writeFileSync(join(folder, "mesh", "a.yaml"), "a: 2\n");
    git("commit", "-qam", "two");
    git("reset", "-q", "--soft", "HEAD~1");
    expect(sourceCommitOf([join(folder, "mesh")])).toBeUndefined();
  });

  test("is not known outside of a checkout, of stdin, and of a checkout that is broken", () => {
    writeFileSync(join(folder, "lonely.yaml"), "a: 1\n");
    expect(sourceCommitOf([join(folder, "lonely.yaml")])).toBeUndefined();
    expect(sourceCommitOf(["-"])).toBeUndefined();
    expect(sourceCommitOf([join(folder, "missing.yaml")])).toBeUndefined();
    committed();
    writeFileSync(join(folder, ".git", "index"), "DIRC\0\0\0\x02\0\0\0\x09short");
    expect(sourceCommitOf([join(folder, "mesh")])).toBeUndefined();
  });
});
