/**
 * Tokens for a workload's first certificate: one use, short life, bound to namespace and service account. Only their
 * SHA-256 is on disk (the tokens are random, so a plain hash cannot be searched), and a use is on disk before it counts.
 */
import { Database } from "bun:sqlite";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, errorLine, parseSpiffeId, systemClock, WeftError } from "../kernel/index.ts";
import type { AttestationRefusal, AttestedSubject, Attestor } from "./attestation/attestor.ts";
import { controlNamespace, controlServiceAccount } from "./control-certificate.ts";

export interface TokenRequest extends AttestedSubject {
  readonly ttlMs: number;
}

export type RedeemRefusal = "expired" | "used" | "unknown";

const maxTokenTtlMs = 3_600_000;
/** Not yet used and not expired. A burst of new workloads takes one each; beyond this somebody makes tokens in a loop. */
export const maxPendingTokens = 10_000;
/** How long a spent token still answers "used" or "expired" instead of "unknown". */
export const rememberMs = maxTokenTtlMs;
const tokenBytes = 32;
const tokenPrefix = "weft-join-";
export const maxTokenLength = 128;

interface TokenRow {
  namespace: string;
  service_account: string;
  expires_ms: number;
  used_ms: number | null;
}

/** Throws `bad_input`, or `forbidden` for the control plane's own identity. */
export function checkTokenRequest({ namespace, serviceAccount, ttlMs }: TokenRequest): void {
  if (parseSpiffeId(`spiffe://a/ns/${namespace}/sa/${serviceAccount}`) === undefined) {
    throw new WeftError("bad_input", `"${namespace}/${serviceAccount}" is no namespace and service account`);
  }
  if (namespace === controlNamespace && serviceAccount === controlServiceAccount) {
    throw new WeftError("forbidden", "the control plane's identity is not handed out");
  }
  if (!(ttlMs > 0 && ttlMs <= maxTokenTtlMs)) {
    throw new WeftError("bad_input", `a join token lives for at most ${maxTokenTtlMs / 1000} seconds`);
  }
}

/** Shown once, kept nowhere. */
export function newJoinToken(): string {
  return tokenPrefix + randomBytes(tokenBytes).toString("base64url");
}

export class JoinTokens implements Attestor {
  readonly name = "join_token";
  readonly #database: Database;
  readonly #clock: Clock;

  private constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Throws `io` or `permission` where the file cannot be used. */
  static open(file: string, clock: Clock = systemClock): JoinTokens {
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      closeSync(openSync(file, "a", 0o600));
      chmodSync(file, 0o600);
      const database = new Database(file);
      // One sync for each use instead of three: five hundred workloads may start within a second.
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = FULL");
      database.run("PRAGMA busy_timeout = 2000");
      database.run(
        `CREATE TABLE IF NOT EXISTS join_tokens (
          hash BLOB PRIMARY KEY, namespace TEXT NOT NULL, service_account TEXT NOT NULL,
          expires_ms INTEGER NOT NULL, used_ms INTEGER) STRICT, WITHOUT ROWID`,
      );
      return new JoinTokens(database, clock);
    } catch (cause) {
      throw new WeftError("io", `cannot open the join tokens in ${file}`, { cause });
    }
  }

  /** The token: show it once, keep it nowhere. Throws `bad_input`, `forbidden` (the control plane's own identity) or `exhausted`. */
  create(request: TokenRequest): string {
    const { namespace, serviceAccount, ttlMs } = request;
    checkTokenRequest(request);
    const token = newJoinToken();
    const nowMs = this.#clock.nowMs();
    this.#write(() => {
      this.#database.run("DELETE FROM join_tokens WHERE expires_ms < ?", [nowMs - rememberMs]);
      const pending = this.#database
        .query<{ count: number }, [number]>(
          "SELECT count(*) AS count FROM join_tokens WHERE used_ms IS NULL AND expires_ms > ?",
        )
        .get(nowMs);
      if ((pending?.count ?? 0) >= maxPendingTokens) {
        throw new WeftError("exhausted", `${maxPendingTokens} join tokens wait to be used`, {
          hint: "let them expire",
        });
      }
      this.#database.run("INSERT INTO join_tokens VALUES (?, ?, ?, ?, NULL)", [
        hashOf(token),
        namespace,
        serviceAccount,
        Math.floor(nowMs + ttlMs),
      ]);
    });
    return token;
  }

  /** Says yes at most once per token, over all processes and restarts. */
  redeem(token: string): AttestedSubject | RedeemRefusal {
    if (token.length > maxTokenLength) return "unknown";
    const hash = hashOf(token);
    const nowMs = this.#clock.nowMs();
    return this.#write(() => {
      const row = this.#database
        .query<TokenRow, [Uint8Array]>(
          "SELECT namespace, service_account, expires_ms, used_ms FROM join_tokens WHERE hash = ?",
        )
        .get(hash);
      if (row === null) return "unknown";
      if (row.used_ms !== null) return "used";
      if (row.expires_ms <= nowMs) return "expired";
      this.#database.run("UPDATE join_tokens SET used_ms = ? WHERE hash = ?", [nowMs, hash]);
      return { namespace: row.namespace, serviceAccount: row.service_account };
    });
  }

  async attest(token: string): Promise<AttestedSubject | AttestationRefusal> {
    try {
      const result = this.redeem(token);
      return typeof result === "string" ? redeemRefusals[result] : result;
    } catch (error) {
      return { refusal: "unavailable", detail: errorLine(error) };
    }
  }

  close(): void {
    this.#database.close();
  }

  /** One transaction that takes the write lock first, so that two processes cannot both see a token unused. */
  #write<T>(work: () => T): T {
    try {
      return this.#database.transaction(work).immediate();
    } catch (cause) {
      if (cause instanceof WeftError) throw cause;
      throw new WeftError("io", "cannot write the join tokens", { cause });
    }
  }
}

const hint = "make a new token and start again";
export const redeemRefusals: Record<RedeemRefusal, AttestationRefusal> = {
  expired: { refusal: "expired", detail: "the join token is expired", hint },
  used: { refusal: "replayed", detail: "the join token was used before", hint },
  unknown: { refusal: "untrusted", detail: "the join token is not known here", hint },
};

function hashOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
