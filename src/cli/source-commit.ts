/**
 * Which commit of a git repository files come from, told from the files in `.git` alone. Says nothing where that is not sure: files
 * that were changed since, that git does not know, that are not all of one checkout, or a repository of an unknown format.
 */
import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { inflateSync } from "node:zlib";
import { parseGitIndex } from "./git-index.ts";
import { listFiles } from "./list-files.ts";

interface Checkout {
  readonly root: string;
  /** Of this checkout: HEAD and index. */
  readonly gitDirectory: string;
  /** Of the repository, which several checkouts may share: references and objects. */
  readonly commonDirectory: string;
}

const hashPattern = /^[0-9a-f]{40}$/;
/** Commits and lines of references are short; anything longer is none. */
const maxSmallFile = 1024 * 1024;

/** `paths`: those of `-f`. */
export function sourceCommitOf(paths: readonly string[]): string | undefined {
  if (paths.length === 0 || paths.includes("-")) return undefined;
  try {
    const files = listFiles(paths).map((file) => realpathSync(file));
    const checkout = findCheckout(files[0] ?? "");
    if (checkout === undefined) return undefined;
    const head = headOf(checkout);
    return head !== undefined && isAsCommitted(checkout, head, files) ? head : undefined;
  } catch {
    // A note in the history is no reason to fail.
    return undefined;
  }
}

function findCheckout(file: string): Checkout | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const place = join(folder, ".git");
    const stat = statSync(place, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) return checkoutAt(folder, place);
    const link = stat?.isFile() === true ? /^gitdir: (.+)$/m.exec(readSmall(place) ?? "")?.[1] : undefined;
    if (link !== undefined) return checkoutAt(folder, resolve(folder, link));
    if (folder === dirname(folder)) return undefined;
  }
}

function checkoutAt(root: string, gitDirectory: string): Checkout {
  const common = readSmall(join(gitDirectory, "commondir"))?.trim();
  return {
    root: realpathSync(root),
    gitDirectory,
    commonDirectory: common === undefined ? gitDirectory : resolve(gitDirectory, common),
  };
}

function headOf({ gitDirectory, commonDirectory }: Checkout): string | undefined {
  const head = readSmall(join(gitDirectory, "HEAD"))?.trim() ?? "";
  if (hashPattern.test(head)) return head;
  const name = /^ref: (refs\/[^\s]+)$/.exec(head)?.[1];
  if (name === undefined || name.includes("..")) return undefined;
  const loose = readSmall(join(commonDirectory, name))?.trim();
  if (loose !== undefined) return hashPattern.test(loose) ? loose : undefined;
  for (const line of (readSmall(join(commonDirectory, "packed-refs")) ?? "").split("\n")) {
    const [hash = "", packed] = line.split(" ");
    if (packed === name && hashPattern.test(hash)) return hash;
  }
  return undefined;
}

/** Nothing is staged, and each file has the content that the index has for it. */
function isAsCommitted(checkout: Checkout, head: string, files: readonly string[]): boolean {
  const index = parseGitIndex(readFileSync(join(checkout.gitDirectory, "index")));
  if (index?.tree === undefined) return false;
  const tree = treeOf(checkout, head);
  // Of a commit that is packed away the tree is not read: it has not been moved to lately.
  if (tree !== undefined && tree !== index.tree) return false;
  return files.every((file) => {
    const wanted = index.files.get(relative(checkout.root, file));
    return wanted !== undefined && wanted === blobHash(readFileSync(file));
  });
}

function blobHash(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

function treeOf({ commonDirectory }: Checkout, commit: string): string | undefined {
  const file = join(commonDirectory, "objects", commit.slice(0, 2), commit.slice(2));
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || stat.size > maxSmallFile) return undefined;
  const text = inflateSync(readFileSync(file), { maxOutputLength: 16 * maxSmallFile }).toString("latin1");
  return /^commit \d+\0tree ([0-9a-f]{40})\n/.exec(text)?.[1];
}

function readSmall(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size <= 16 * maxSmallFile ? readFileSync(file, "utf8") : undefined;
}
