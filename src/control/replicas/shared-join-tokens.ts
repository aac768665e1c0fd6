/** Join tokens that any replica takes, each once in the whole mesh: only their hashes are in etcd, and a use is there before it counts. */
import { createHash, randomUUID } from "node:crypto";
import {
  type AttestationRefusal,
  type AttestedSubject,
  type Attestor,
  checkTokenRequest,
  maxPendingTokens,
  maxTokenLength,
  newJoinToken,
  redeemRefusals,
  rememberMs,
  type TokenRequest,
} from "../../identity/index.ts";
import { type Clock, errorLine, WeftError } from "../../kernel/index.ts";
import { jsonOf, type SharedValues } from "../../store/etcd/index.ts";

const prefix = "join/";

interface TokenState {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly expiresMs: number;
  /** Empty: not yet used. Otherwise names the use. */
  readonly use: string;
}

export class SharedJoinTokens implements Attestor {
  readonly name = "join_token";
  readonly #values: SharedValues;
  readonly #clock: Clock;

  constructor(values: SharedValues, clock: Clock) {
    this.#values = values;
    this.#clock = clock;
  }

  /** The token: show it once, keep it nowhere. Rejects with `bad_input`, `forbidden`, `exhausted` or `unavailable`. */
  async create(request: TokenRequest): Promise<string> {
    checkTokenRequest(request);
    const nowMs = this.#clock.nowMs();
    const { pending, outdated } = this.#survey(nowMs);
    if (pending >= maxPendingTokens) {
      throw new WeftError("exhausted", `${maxPendingTokens} join tokens wait to be used`, {
        hint: "let them expire",
      });
    }
    if (outdated.length > 0) await this.#values.set(new Map(outdated.map((name) => [name, undefined])));
    const token = newJoinToken();
    const { namespace, serviceAccount, ttlMs } = request;
    const state: TokenState = { namespace, serviceAccount, expiresMs: Math.floor(nowMs + ttlMs), use: "" };
    await this.#values.set(new Map([[nameOf(token), encode(state)]]));
    return token;
  }

  async attest(token: string): Promise<AttestedSubject | AttestationRefusal> {
    if (token.length > maxTokenLength) return redeemRefusals.unknown;
    const name = nameOf(token);
    try {
      const found = await this.#values.read(name);
      const state = found === undefined ? undefined : stateOf(found.value);
      if (found === undefined || state === undefined) return redeemRefusals.unknown;
      if (state.use !== "") return redeemRefusals.used;
      if (state.expiresMs <= this.#clock.nowMs()) return redeemRefusals.expired;
      const isOurs = await this.#values.replace(name, encode({ ...state, use: randomUUID() }), found.version);
      if (!isOurs) return redeemRefusals.used;
      return { namespace: state.namespace, serviceAccount: state.serviceAccount };
    } catch (error) {
      return { refusal: "unavailable", detail: errorLine(error) };
    }
  }

  close(): void {}

  #survey(nowMs: number): { readonly pending: number; readonly outdated: readonly string[] } {
    const outdated: string[] = [];
    let pending = 0;
    for (const name of this.#values.names(prefix)) {
      const found = this.#values.get(name);
      const state = found === undefined ? undefined : stateOf(found.value);
      if (state === undefined || state.expiresMs < nowMs - rememberMs) outdated.push(name);
      else if (state.use === "" && state.expiresMs > nowMs) pending++;
    }
    return { pending, outdated };
  }
}

function nameOf(token: string): string {
  return prefix + createHash("sha256").update(token).digest("hex");
}

function encode(state: TokenState): Uint8Array {
  return Buffer.from(JSON.stringify(state));
}

function stateOf(value: Uint8Array): TokenState | undefined {
  const fields = new Map<string, unknown>(Object.entries(jsonOf(value, "a join token") ?? {}));
  const [namespace, serviceAccount] = [fields.get("namespace"), fields.get("serviceAccount")];
  const [expiresMs, use] = [fields.get("expiresMs"), fields.get("use")];
  if (typeof namespace !== "string" || typeof serviceAccount !== "string") return undefined;
  if (typeof expiresMs !== "number" || typeof use !== "string") return undefined;
  return { namespace, serviceAccount, expiresMs, use };
}
