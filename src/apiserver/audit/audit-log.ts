/**
 * The log of everything that was written through the API, of what was refused and of logins: lines of JSON in a hash chain.
 *
 * A write has an entry before it (`intent`, on the disk before the store commits) and one after (`done`). The commit carries
 * the intent's place as the store's anchor; so after a crash between the two the store tells what became of the intent, and
 * a log that was cut off is known by the place that the store remembers. Where an entry cannot be written there is no write.
 */
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  fstatSync,
  mkdirSync,
  openSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import {
  type AuditFields,
  type AuditHead,
  type AuditVerdict,
  firstHash,
  sealEntry,
} from "../../api/index.ts";
import { type Clock, errorLine, type Log, type Timer, WeftError } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import { auditFileName, auditFiles, readTail, verifyFiles } from "./audit-files.ts";
import { recoveryEntries } from "./recovery.ts";

const defaultMaxFileBytes = 16 * 1024 * 1024;
/** Entries that are no write are synced and anchored together, this long after the first of them. */
const settleMs = 1_000;
/** Refusals in a second that get an entry of their own; the others are counted, so that nobody can fill the disk. */
const maxRefusalsPerSecond = 20;

export interface AuditLogOptions {
  readonly directory: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxFileBytes?: number;
}

export interface Intent {
  readonly fields: AuditFields;
  /** For the commit. */
  readonly anchor: string;
}

export class AuditLog {
  readonly #options: AuditLogOptions;
  #head: AuditHead = { seq: 0, hash: firstHash };
  #fd = -1;
  #size = 0;
  /** What happened and could not be written yet. */
  #owed: AuditFields[] = [];
  #isIntentOpen = false;
  #settling: Timer | undefined;
  #refusals = { second: 0, count: 0, suppressed: 0 };
  #isClosed = false;

  /** Throws `io` where the directory cannot be used. Settles what a crash left open. */
  constructor(options: AuditLogOptions) {
    this.#options = options;
    try {
      mkdirSync(options.directory, { recursive: true, mode: 0o700 });
      this.#open();
    } catch (cause) {
      throw cause instanceof WeftError ? cause : this.#failure(cause);
    }
  }

  get head(): AuditHead {
    return this.#head;
  }

  get files(): readonly string[] {
    return auditFiles(this.#options.directory);
  }

  /** On the disk when it returns. Throws `io`: then the write must not be done. */
  begin(fields: AuditFields): Intent {
    this.#append({ ...fields, phase: "intent" }, true);
    this.#isIntentOpen = true;
    return { fields, anchor: anchorText(this.#head) };
  }

  /** Never throws: what was done is done. What cannot be written now is written before the next entry. */
  finish(intent: Intent, result: Pick<AuditFields, "outcome" | "revision" | "message">): void {
    this.#isIntentOpen = false;
    const fields: AuditFields = { ...intent.fields, objects: [], phase: "done", ...result };
    try {
      this.#append(fields, false);
    } catch (error) {
      this.#owed.push(fields);
      this.#options.log.error("the audit log owes an entry", { error: errorLine(error) });
    }
  }

  /** Something that is no write of the store's and must not happen unseen. Throws `io`. */
  record(fields: AuditFields): void {
    this.#append(fields, true);
    this.#anchor();
  }

  /** Refused: nothing has happened, so a full disk is no reason to fail otherwise than it does already. */
  refusal(fields: AuditFields): void {
    const second = Math.floor(this.#options.clock.nowMs() / 1000);
    if (second !== this.#refusals.second) this.#refusals = { ...this.#refusals, second, count: 0 };
    if (++this.#refusals.count > maxRefusalsPerSecond) {
      this.#refusals.suppressed++;
      return;
    }
    const { suppressed } = this.#refusals;
    try {
      this.#append(suppressed === 0 ? fields : { ...fields, suppressed }, false);
      this.#refusals.suppressed = 0;
    } catch (error) {
      this.#options.log.warn("a refusal is not in the audit log", { error: errorLine(error) });
    }
  }

  /** Reads all of it. */
  verify(): Promise<AuditVerdict> {
    const anchor = parseAnchor(this.#options.store.anchor);
    return verifyFiles(this.files, [this.#head, ...(anchor === undefined ? [] : [anchor])]);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#settling?.cancel();
    this.#settle();
    this.#isClosed = true;
    closeSync(this.#fd);
  }

  #open(): void {
    const { directory, store, log } = this.#options;
    const files = auditFiles(directory);
    const last = files.at(-1);
    const tail = last === undefined ? undefined : readTail(last);
    if (last === undefined) this.#startFile(1);
    else this.#openFile(last);
    const anchor = parseAnchor(store.anchor);
    // A file that was just begun has no entry yet; the place is then what the store remembers.
    this.#head = tail?.head ?? this.#head;
    const found = recoveryEntries({ tail, head: this.#head, anchor, hasOlderFiles: files.length > 1 });
    this.#head = { ...this.#head, seq: this.#head.seq + found.skip };
    for (const problem of found.problems) log.error("the audit log is not whole", { problem });
    for (const fields of found.entries) this.#append(fields, true);
    if (found.entries.length > 0) store.setAnchor(anchorText(this.#head));
  }

  #append(fields: AuditFields, isDurable: boolean): void {
    if (this.#isClosed) throw new WeftError("unavailable", "the audit log is closed");
    while (this.#owed[0] !== undefined) {
      this.#write(this.#owed[0]);
      this.#owed.shift();
    }
    this.#write(fields);
    if (isDurable) this.#sync();
    else this.#settling ??= this.#options.clock.after(settleMs, () => this.#settle());
  }

  #write(fields: AuditFields): void {
    if (this.#size >= (this.#options.maxFileBytes ?? defaultMaxFileBytes))
      this.#startFile(this.#head.seq + 1);
    const time = new Date(this.#options.clock.nowMs()).toISOString();
    const { line, head } = sealEntry(fields, { head: this.#head, time });
    const bytes = Buffer.from(`${line}\n`);
    try {
      let written = 0;
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
    } catch (cause) {
      this.#cutBack();
      throw this.#failure(cause);
    }
    this.#size += bytes.length;
    this.#head = head;
  }

  /** A part of a line is no entry. Where even that fails, the next start cuts it off. */
  #cutBack(): void {
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch (error) {
      this.#options.log.error("the audit log ends in a part of a line", { error: errorLine(error) });
    }
  }

  #sync(): void {
    try {
      fdatasyncSync(this.#fd);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #settle(): void {
    this.#settling = undefined;
    try {
      this.#sync();
      this.#anchor();
    } catch (error) {
      this.#options.log.error("the audit log is not anchored", { error: errorLine(error) });
    }
  }

  /** Not past an intent that is not settled: by the anchor a start tells whether its commit was made. */
  #anchor(): void {
    // Before the first entry there is no place to remember.
    if (this.#head.seq === 0 || this.#isIntentOpen || this.#owed.length > 0) return;
    this.#options.store.setAnchor(anchorText(this.#head));
  }

  #startFile(firstSeq: number): void {
    const { directory } = this.#options;
    const before = this.#fd;
    try {
      if (before >= 0) this.#sync();
      this.#openFile(join(directory, auditFileName(firstSeq)));
      syncDirectory(directory);
    } catch (cause) {
      throw cause instanceof WeftError ? cause : this.#failure(cause);
    }
    if (before >= 0) closeSync(before);
  }

  #openFile(file: string): void {
    this.#fd = openSync(file, "a", 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  #failure(cause: unknown): WeftError {
    return new WeftError("io", `the audit log in ${this.#options.directory} cannot be written`, {
      cause,
      hint: "no write is taken without it; make room on the disk",
    });
  }
}

function anchorText({ seq, hash }: AuditHead): string {
  return `${seq}:${hash}`;
}

function parseAnchor(text: string | undefined): AuditHead | undefined {
  const groups = /^(?<seq>\d{1,16}):(?<hash>[0-9a-f]{64})$/.exec(text ?? "")?.groups;
  return groups === undefined ? undefined : { seq: Number(groups["seq"]), hash: groups["hash"] ?? "" };
}

/** A new file's name must outlive a crash as well. */
function syncDirectory(directory: string): void {
  const fd = openSync(directory, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
