/** An issuer's keys and which of them may have signed a token. Keys come with the configuration and from nowhere else. */
import { type JwtAlgorithm, jwtAlgorithms, type PublicJwk, readJwkSet } from "../../../kernel/index.ts";
import type { JwtProvider } from "../../../model/index.ts";
import type { DecodedToken } from "./decode-token.ts";
import type { JoseLoader } from "./jose-loader.ts";
import { fault, quoted, type TokenFault } from "./token-fault.ts";

/** Keys that are tried for one token: sets in which more fit one token without a kid are not seen. */
const maxTriedKeys = 8;

type ImportedKey = Awaited<ReturnType<Awaited<ReturnType<JoseLoader["load"]>>["importKey"]>>;

export class ProviderKeys {
  readonly #jose: JoseLoader;
  readonly #algorithms: ReadonlySet<string>;
  readonly #keys: readonly PublicJwk[];
  readonly #problem: string | undefined;
  /** By key, then algorithm: importing one takes longer than verifying with it. */
  readonly #imported = new Map<PublicJwk, Map<string, Promise<ImportedKey>>>();

  constructor({ jwks, algorithms }: Pick<JwtProvider, "jwks" | "algorithms">, jose: JoseLoader) {
    this.#jose = jose;
    this.#algorithms = new Set(algorithms.length === 0 ? jwtAlgorithms : algorithms.filter(isKnown));
    const reading = jwks === "" ? { problem: "they could not be had yet" } : readJwkSet(jwks);
    this.#keys = "keys" in reading ? reading.keys : [];
    this.#problem = "problem" in reading ? reading.problem : undefined;
  }

  /** Those that may have signed it: by the token's kid, or all that fit where it names none. Never empty. */
  candidates({ algorithm, keyId }: DecodedToken): readonly PublicJwk[] | TokenFault {
    if (!this.#algorithms.has(algorithm)) {
      return fault("wrong_algorithm", `its algorithm ${quoted(algorithm)} is not among those that are taken`);
    }
    if (this.#problem !== undefined)
      return fault("no_keys", `the issuer's keys cannot be used: ${this.#problem}`);
    const named = keyId === undefined ? this.#keys : this.#keys.filter(({ kid }) => kid === keyId);
    if (named.length === 0) return fault("unknown_key", `the issuer has no key ${quoted(keyId ?? "")}`);
    const fitting = named.filter(({ algorithms }) => algorithms.some((each) => each === algorithm));
    if (fitting.length > 0) return fitting.slice(0, maxTriedKeys);
    return fault("wrong_algorithm", `its algorithm ${quoted(algorithm)} does not fit the issuer's key`);
  }

  /** Whether one of the candidates signed it. Rejects only where the library cannot be had. */
  async verifies(token: string, algorithm: string, candidates: readonly PublicJwk[]): Promise<boolean> {
    const jose = await this.#jose.load();
    for (const candidate of candidates) {
      try {
        await jose.verify(token, await this.#import(candidate, algorithm), algorithm);
        return true;
      } catch {
        // Another one may be the right one.
      }
    }
    return false;
  }

  async #import(key: PublicJwk, algorithm: string): Promise<ImportedKey> {
    const known = this.#imported.get(key) ?? new Map<string, Promise<ImportedKey>>();
    this.#imported.set(key, known);
    let imported = known.get(algorithm);
    if (imported === undefined) {
      imported = this.#jose.load().then((jose) => jose.importKey(key.key, algorithm));
      known.set(algorithm, imported);
    }
    return await imported;
  }
}

function isKnown(name: string): name is JwtAlgorithm {
  return jwtAlgorithms.some((each) => each === name);
}
