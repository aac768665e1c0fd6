/**
 * Says when files have changed: they were written, replaced, deleted, or a link on their way points elsewhere. Notices come from
 * the system for the folders; whether anything really changed is told by looking at the files themselves, twice with a pause,
 * so that nothing is read while somebody is still writing.
 *
 *   quiet --notice | poll | force()--> looking --the same twice, other than the last--> told --> quiet
 */
import { type FSWatcher, realpathSync, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock, Timer } from "../kernel/index.ts";

/** Between two looks: editors and `cp` are done with a file within a few milliseconds. */
const settleMs = 50;
/** A folder in which somebody writes without end must not keep changes from being seen. */
const maxSettleMs = 2_000;
/** For file systems that give no notice, as those of other machines. */
const pollMs = 10_000;

export interface FileWatchOptions {
  readonly paths: readonly string[];
  /** The files there are now; may throw. */
  readonly list: () => readonly string[];
  readonly clock: Clock;
  /** Not called again before it has resolved. */
  readonly onChange: () => Promise<void>;
}

interface WatchedFolder {
  readonly watcher: FSWatcher;
  readonly inode: number | undefined;
}

export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #watchers = new Map<string, WatchedFolder>();
  #told: string;
  #seen: string | undefined;
  #lookingSinceMs = 0;
  #timer: Timer | undefined;
  #pollTimer: Timer | undefined;
  #isTelling = false;
  #isForced = false;
  #isClosed = false;

  /** `told`: the state that is known already, as `fingerprint` gave it. */
  constructor(options: FileWatchOptions, told: string) {
    this.#options = options;
    this.#told = told;
    this.#watchFolders();
    this.#schedulePoll();
    // What happened between the first reading and now.
    this.#notice();
  }

  /** Tell even where nothing seems to have changed. */
  force(): void {
    this.#isForced = true;
    this.#notice();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#pollTimer?.cancel();
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #notice(): void {
    if (this.#isClosed || this.#isTelling) return;
    // Under way already, and it looks once more before it tells.
    if (this.#timer !== undefined) return;
    const { clock, list } = this.#options;
    this.#lookingSinceMs = clock.nowMs();
    this.#seen = fingerprint(list);
    this.#timer = clock.after(settleMs, () => this.#look());
  }

  #look(): void {
    const { clock, list } = this.#options;
    this.#timer = undefined;
    const now = fingerprint(list);
    const isSettled = now === this.#seen || clock.nowMs() - this.#lookingSinceMs >= maxSettleMs;
    if (!isSettled) {
      this.#seen = now;
      this.#timer = clock.after(settleMs, () => this.#look());
    } else if (now !== this.#told || this.#isForced) void this.#tell(now);
  }

  async #tell(state: string): Promise<void> {
    this.#told = state;
    this.#isForced = false;
    this.#isTelling = true;
    try {
      await this.#options.onChange();
    } finally {
      this.#isTelling = false;
    }
    // A link may lead to another folder now, and there may have been notices meanwhile.
    this.#watchFolders();
    if (!this.#isClosed && (this.#isForced || fingerprint(this.#options.list) !== this.#told)) this.#notice();
  }

  #schedulePoll(): void {
    this.#pollTimer = this.#options.clock.after(pollMs, () => {
      this.#watchFolders();
      if (this.#timer === undefined && fingerprint(this.#options.list) !== this.#told) this.#notice();
      if (!this.#isClosed) this.#schedulePoll();
    });
  }

  /** Folders, not files: a file that is replaced takes its watch with it. */
  #watchFolders(): void {
    if (this.#isClosed) return;
    const wanted = foldersOf(this.#options.paths, this.#options.list);
    for (const [folder, { watcher, inode }] of this.#watchers) {
      // A folder that took another's place and name is not the one that is watched.
      if (wanted.has(folder) && inodeOf(folder) === inode) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const [folder, only] of wanted) {
      if (this.#watchers.has(folder)) continue;
      try {
        const inode = inodeOf(folder);
        const watcher = watch(folder, (_event, name) => {
          if (only === undefined || name === null || only.has(name)) this.#notice();
        });
        // The folder went; the poll finds it when it is there again.
        watcher.on("error", () => {
          watcher.close();
          this.#watchers.delete(folder);
        });
        this.#watchers.set(folder, { watcher, inode });
      } catch {
        // No such folder at the moment, or no watches left: the poll sees what happens.
      }
    }
  }
}

/** What the files look like from outside: changes whenever one is written, replaced, added or removed. */
export function fingerprint(list: () => readonly string[]): string {
  try {
    return list().map(describe).join("\n");
  } catch {
    return "unreadable";
  }
}

function describe(file: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs, dev } = statSync(file, { bigint: true });
    return `${file} ${dev}:${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return `${file} gone`;
  }
}

/** With the names in a folder that matter; undefined: all of them do, since links may lead through any. */
function foldersOf(
  paths: readonly string[],
  list: () => readonly string[],
): Map<string, Set<string> | undefined> {
  const folders = new Map<string, Set<string> | undefined>();
  for (const path of [...paths, ...listed(list)]) {
    for (const place of [path, resolved(path)]) {
      if (place === undefined) continue;
      const parent = dirname(place);
      if (!isFolder(place)) folders.set(parent, undefined);
      else {
        // The folder itself may be replaced; its neighbours are nobody's business.
        folders.set(place, undefined);
        const known = folders.get(parent);
        if (known !== undefined) known.add(basename(place));
        else if (!folders.has(parent)) folders.set(parent, new Set([basename(place)]));
      }
    }
  }
  return folders;
}

function listed(list: () => readonly string[]): readonly string[] {
  try {
    return list();
  } catch {
    return [];
  }
}

function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
