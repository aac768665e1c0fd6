/**
 * Which certificates were issued or seen, to whom, beneath which root, and which of them are revoked. On disk, since a
 * revocation that is forgotten is none; what is expired is dropped, because nobody takes it anyway.
 */
import { Database } from "bun:sqlite";
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, systemClock, WeftError } from "../kernel/index.ts";
import type { CertificateNumber } from "./x509/certificate-number.ts";

export interface KnownCertificate {
  /** SHA-256 of the issuer's name in hex. */
  readonly issuer: string;
  /** Hex without leading zeros. */
  readonly serial: string;
  /** "namespace/name" */
  readonly workload: string;
  readonly identity: string;
  /** Fingerprint; empty where it is not known. */
  readonly root: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface Revocation {
  readonly issuer: string;
  readonly serial: string;
  readonly workload: string;
  readonly identity: string;
  readonly reason: string;
  readonly revokedMs: number;
  readonly notAfterMs: number;
}

/** Every proxy has the list in its configuration: 10,000 entries are some 600 KB there. */
const maxRevoked = 10_000;
const sweepEveryMs = 600_000;
/** A clock that goes back must not bring a revoked certificate back to life. */
const keepExpiredMs = 86_400_000;

interface Row {
  issuer: string;
  serial: string;
  workload: string;
  identity: string;
  root: string;
  not_before_ms: number;
  not_after_ms: number;
}

interface RevokedRow extends Omit<Row, "root" | "not_before_ms"> {
  reason: string;
  revoked_ms: number;
}

export class CertificateLedger {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #noteListeners = new Set<(certificate: KnownCertificate) => void>();
  #revoked: readonly Revocation[] = [];
  #sweptMs = 0;

  private constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#readRevoked();
  }

  /** Throws `io` where the file cannot be used. */
  static open(file: string, clock: Clock = systemClock): CertificateLedger {
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      closeSync(openSync(file, "a", 0o600));
      chmodSync(file, 0o600);
      const database = new Database(file);
      // A killed process loses nothing; a power cut may lose the last certificates issued, and proxies show them again.
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = NORMAL");
      database.run("PRAGMA busy_timeout = 2000");
      database.run(
        `CREATE TABLE IF NOT EXISTS certificates (
          issuer TEXT NOT NULL, serial TEXT NOT NULL, workload TEXT NOT NULL, identity TEXT NOT NULL, root TEXT NOT NULL,
          not_before_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL, PRIMARY KEY (issuer, serial)) STRICT, WITHOUT ROWID`,
      );
      database.run("CREATE INDEX IF NOT EXISTS by_workload ON certificates (workload)");
      database.run("CREATE INDEX IF NOT EXISTS by_end ON certificates (not_after_ms)");
      database.run(
        `CREATE TABLE IF NOT EXISTS revoked (
          issuer TEXT NOT NULL, serial TEXT NOT NULL, workload TEXT NOT NULL, identity TEXT NOT NULL, reason TEXT NOT NULL,
          revoked_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL, PRIMARY KEY (issuer, serial)) STRICT, WITHOUT ROWID`,
      );
      database.run(
        "CREATE TABLE IF NOT EXISTS spent (proof TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
      );
      return new CertificateLedger(database, clock);
    } catch (cause) {
      throw new WeftError("io", `cannot open the list of certificates in ${file}`, { cause });
    }
  }

  /** Issued now, or shown by a proxy. */
  note(certificate: KnownCertificate): void {
    this.noteAll([certificate]);
  }

  /** The same for many in one write. */
  noteAll(certificates: readonly KnownCertificate[]): void {
    if (certificates.length === 0) return;
    let added: KnownCertificate[] = [];
    this.#write(() => {
      this.#sweep();
      const insert = this.#database.query("INSERT OR IGNORE INTO certificates VALUES (?, ?, ?, ?, ?, ?, ?)");
      added = certificates.filter(
        ({ issuer, serial, workload, identity, root, notBeforeMs, notAfterMs }) =>
          insert.run(issuer, serial, workload, identity, root, notBeforeMs, notAfterMs).changes === 1,
      );
    });
    for (const certificate of added) for (const listener of this.#noteListeners) listener(certificate);
  }

  /** Called with each certificate that was not known before. */
  onNoted(listener: (certificate: KnownCertificate) => void): () => void {
    this.#noteListeners.add(listener);
    return () => void this.#noteListeners.delete(listener);
  }

  /** All that is revoked, as another control plane knows it: what is not among it is revoked no more. */
  adoptRevoked(revocations: readonly Revocation[]): void {
    this.#write(() => {
      this.#database.run("DELETE FROM revoked");
      const insert = this.#database.query("INSERT OR IGNORE INTO revoked VALUES (?, ?, ?, ?, ?, ?, ?)");
      for (const { issuer, serial, workload, identity, reason, revokedMs, notAfterMs } of revocations)
        insert.run(issuer, serial, workload, identity, reason, revokedMs, notAfterMs);
    });
    this.#changed();
  }

  find(issuer: string, serial: string): KnownCertificate | undefined {
    const row = this.#database
      .query<Row, [string, string]>("SELECT * FROM certificates WHERE issuer = ? AND serial = ?")
      .get(issuer, serial);
    return row === null ? undefined : knownOf(row);
  }

  /** Not expired; the newest of each workload first. */
  all(): KnownCertificate[] {
    return this.#database
      .query<Row, [number]>(
        "SELECT * FROM certificates WHERE not_after_ms > ? ORDER BY workload, not_before_ms DESC",
      )
      .all(this.#clock.nowMs())
      .map(knownOf);
  }

  /** Every certificate of a workload, or the one with a serial number, that is not expired. Throws `not_found`. */
  matching(name: string): KnownCertificate[] {
    const serial = name.toLowerCase().replaceAll(":", "").replace(/^0+/, "");
    const column = name.includes("/") ? "workload" : "serial";
    const rows = this.#database
      .query<Row, [string, number]>(
        `SELECT * FROM certificates WHERE ${column} = ? AND not_after_ms > ? ORDER BY not_before_ms DESC`,
      )
      .all(column === "workload" ? name : serial, this.#clock.nowMs());
    if (rows.length > 0) return rows.map(knownOf);
    throw new WeftError("not_found", `no certificate of ${name} is valid now`, {
      hint: "name a workload as namespace/name, or a serial number in hex; see weft cert list",
    });
  }

  /** Those that are revoked and not long expired. */
  get revoked(): readonly Revocation[] {
    return this.#revoked;
  }

  /** Throws `exhausted` where there are too many. Those that are revoked already stay as they were. */
  revoke(certificates: readonly KnownCertificate[], reason: string): void {
    const nowMs = this.#clock.nowMs();
    this.#write(() => {
      this.#sweep();
      if (this.#revoked.length + certificates.length > maxRevoked) {
        throw new WeftError("exhausted", `no more than ${maxRevoked} certificates can be revoked at a time`, {
          hint: "change the root instead: weft cert rotate-root",
        });
      }
      const insert = this.#database.query("INSERT OR IGNORE INTO revoked VALUES (?, ?, ?, ?, ?, ?, ?)");
      for (const { issuer, serial, workload, identity, notAfterMs } of certificates)
        insert.run(issuer, serial, workload, identity, reason, nowMs, notAfterMs);
    });
    this.#changed();
  }

  /** Returns how many there were. */
  unrevoke(certificates: readonly KnownCertificate[]): number {
    let count = 0;
    this.#write(() => {
      const remove = this.#database.query("DELETE FROM revoked WHERE issuer = ? AND serial = ?");
      for (const { issuer, serial } of certificates) count += remove.run(issuer, serial).changes;
    });
    this.#changed();
    return count;
  }

  /** Notes that a proof of identity was used; false: it was before. It is forgotten a day after it is of no use any more. */
  spend(proof: string, untilMs: number): boolean {
    let isFirst = false;
    this.#write(() => {
      this.#sweep();
      const insert = this.#database.query("INSERT OR IGNORE INTO spent VALUES (?, ?)");
      isFirst = insert.run(proof, untilMs).changes === 1;
    });
    return isFirst;
  }

  /** Called after certificates were revoked, or are not any more. */
  onRevoked(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#noteListeners.clear();
    this.#database.close();
  }

  #changed(): void {
    this.#readRevoked();
    for (const listener of this.#listeners) listener();
  }

  #readRevoked(): void {
    this.#revoked = this.#database
      .query<RevokedRow, [number]>("SELECT * FROM revoked WHERE not_after_ms > ? ORDER BY revoked_ms, serial")
      .all(this.#clock.nowMs() - keepExpiredMs)
      .map(({ issuer, serial, workload, identity, reason, revoked_ms, not_after_ms }) => ({
        ...{ issuer, serial, workload, identity, reason },
        revokedMs: revoked_ms,
        notAfterMs: not_after_ms,
      }));
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sweptMs < sweepEveryMs) return;
    this.#sweptMs = nowMs;
    for (const table of ["certificates", "revoked"])
      this.#database.run(`DELETE FROM ${table} WHERE not_after_ms < ?`, [nowMs - keepExpiredMs]);
    this.#database.run("DELETE FROM spent WHERE until_ms < ?", [nowMs - keepExpiredMs]);
  }

  #write(work: () => void): void {
    try {
      this.#database.transaction(work).immediate();
    } catch (cause) {
      if (cause instanceof WeftError) throw cause;
      throw new WeftError("io", "cannot write the list of certificates", { cause });
    }
  }
}

/** As the mesh's configuration has it. */
export function numberOf({ issuer, serial }: Pick<Revocation, "issuer" | "serial">): CertificateNumber {
  const padded = serial.length % 2 === 0 ? serial : `0${serial}`;
  return { issuer: Buffer.from(issuer, "hex"), serial: Buffer.from(padded, "hex") };
}

function knownOf(row: Row): KnownCertificate {
  const { issuer, serial, workload, identity, root, not_before_ms, not_after_ms } = row;
  return { issuer, serial, workload, identity, root, notBeforeMs: not_before_ms, notAfterMs: not_after_ms };
}
