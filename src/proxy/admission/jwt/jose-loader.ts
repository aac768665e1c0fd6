/**
 * `jose`, loaded with the first token that must be verified: proxies without tokens pay nothing for it. Of it only what verifies a
 * signature is taken; what a token says is judged here.
 */
import type { CryptoKey, JWK } from "jose";

interface Jose {
  importKey(key: JWK, algorithm: string): Promise<CryptoKey | Uint8Array>;
  /** Rejects where the signature is not the key's. */
  verify(token: string, key: CryptoKey | Uint8Array, algorithm: string): Promise<unknown>;
}

export class JoseLoader {
  #loading: Promise<Jose> | undefined;

  load(): Promise<Jose> {
    this.#loading ??= load();
    return this.#loading;
  }
}

async function load(): Promise<Jose> {
  const [{ importJWK }, { compactVerify }] = await Promise.all([
    import("jose/key/import"),
    import("jose/jws/compact/verify"),
  ]);
  return {
    importKey: importJWK,
    verify: (token, key, algorithm) => compactVerify(token, key, { algorithms: [algorithm] }),
  };
}
