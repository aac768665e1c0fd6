/**
 * One provider's judgement of tokens. At once where the token is known or wrong on its face, later where its signature must be
 * verified; requests that bring one token at one time wait for one verification.
 */
import type { Claims } from "../../../decide/index.ts";
import type { HeaderLine } from "../../../http1/index.ts";
import type { JwtProvider } from "../../../model/index.ts";
import { settableLine } from "../settable-field.ts";
import { checkClaims } from "./check-claims.ts";
import { claimFields } from "./claim-headers.ts";
import type { DecodedToken } from "./decode-token.ts";
import type { JoseLoader } from "./jose-loader.ts";
import { ProviderKeys } from "./provider-keys.ts";
import { TokenCache, type VerifiedToken } from "./token-cache.ts";
import { fault, type TokenFault } from "./token-fault.ts";

export type Verdict = VerifiedToken | TokenFault;
export type OnVerdict = (verdict: Verdict) => void;

/** Verifications that run in one process at a time, of all providers: the pool of threads that does them has some four. */
export const maxVerifications = 256;

/** What all providers of a process share. */
export class VerificationSlots {
  readonly jose: JoseLoader;
  #taken = 0;

  constructor(jose: JoseLoader) {
    this.jose = jose;
  }

  take(): boolean {
    if (this.#taken >= maxVerifications) return false;
    this.#taken++;
    return true;
  }

  giveBack(): void {
    this.#taken--;
  }
}

export class TokenVerifier {
  readonly provider: JwtProvider;
  readonly #slots: VerificationSlots;
  readonly #keys: ProviderKeys;
  readonly #cache = new TokenCache();
  readonly #waiting = new Map<string, Set<OnVerdict>>();

  constructor(provider: JwtProvider, slots: VerificationSlots) {
    this.provider = provider;
    this.#slots = slots;
    this.#keys = new ProviderKeys(provider, slots.jose);
  }

  /** The token is `text` from `start` on. Undefined: not known, or not valid any more. */
  known(text: string, start: number, nowMs: number): VerifiedToken | undefined {
    const entry = this.#cache.get(text, start);
    if (entry === undefined) return undefined;
    const { fromMs, untilMs } = entry.validity;
    if (nowMs < untilMs && nowMs >= fromMs) return entry;
    if (nowMs >= untilMs) this.#cache.delete(text.slice(start));
    return undefined;
  }

  /** `onVerdict` is called where it returns undefined: once, later, unless it is forgotten. */
  verify(token: string, decoded: DecodedToken, nowMs: number, onVerdict: OnVerdict): TokenFault | undefined {
    const validity = checkClaims(decoded.claims, this.provider, nowMs);
    if ("outcome" in validity) return validity;
    const candidates = this.#keys.candidates(decoded);
    if ("outcome" in candidates) return candidates;
    if (this.#cache.isForged(token, nowMs)) return forged;
    const waiting = this.#waiting.get(token);
    if (waiting !== undefined) {
      waiting.add(onVerdict);
      return undefined;
    }
    if (!this.#slots.take())
      return fault("overloaded", `${maxVerifications} tokens are being verified already`);
    this.#waiting.set(token, new Set([onVerdict]));
    const verdict = this.#keys.verifies(token, decoded.algorithm, candidates).then(
      (isGenuine): Verdict => {
        if (!isGenuine) {
          this.#cache.addForged(token, nowMs);
          return forged;
        }
        const { claims, payload } = decoded;
        const verified = { validity, claims, fields: fieldLines(this.provider, claims, payload) };
        this.#cache.add(token, verified);
        return verified;
      },
      (): Verdict => fault("failed", "the library that verifies could not be loaded"),
    );
    void verdict.then((given) => this.#tell(token, given));
    return undefined;
  }

  /** The request does not wait any more; the verification goes on for the cache. */
  forget(token: string, onVerdict: OnVerdict): void {
    this.#waiting.get(token)?.delete(onVerdict);
  }

  #tell(token: string, verdict: Verdict): void {
    const waiting = this.#waiting.get(token) ?? [];
    this.#waiting.delete(token);
    this.#slots.giveBack();
    for (const onVerdict of waiting) onVerdict(verdict);
  }
}

function fieldLines(provider: JwtProvider, claims: Claims, payload: string): HeaderLine[] {
  return claimFields(provider, claims, payload).flatMap(
    ({ nameLower, value }) => settableLine(nameLower, value) ?? [],
  );
}

const forged: TokenFault = fault("bad_signature", "its signature is not the issuer's");
