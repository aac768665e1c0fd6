/**
 * The verifiers of one process. A provider that several places name, or that a new configuration has as it was, is the same one with
 * the same cache; one with other keys or rules is another and starts empty.
 */
import { createHash } from "node:crypto";
import type { JwtProvider } from "../../../model/index.ts";
import { JoseLoader } from "./jose-loader.ts";
import { TokenVerifier, VerificationSlots } from "./token-verifier.ts";

export class JwtVerifiers {
  readonly #slots = new VerificationSlots(new JoseLoader());
  /** By content. Held by the filters alone: what no configuration names any more goes. */
  readonly #byContent = new Map<string, WeakRef<TokenVerifier>>();

  of(provider: JwtProvider): TokenVerifier {
    const key = contentKey(provider);
    const known = this.#byContent.get(key)?.deref();
    if (known !== undefined) return known;
    for (const [each, reference] of this.#byContent) {
      if (reference.deref() === undefined) this.#byContent.delete(each);
    }
    const verifier = new TokenVerifier(provider, this.#slots);
    this.#byContent.set(key, new WeakRef(verifier));
    return verifier;
  }
}

function contentKey(provider: JwtProvider): string {
  const content = JSON.stringify(provider, (_name, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return createHash("sha256").update(content).digest("base64");
}
