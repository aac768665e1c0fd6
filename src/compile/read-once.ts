/** Inputs whose content is read when somebody first asks what it means. */
import { type CertificateContent, readCertificate, type SecretContent } from "./certificate-content.ts";
import { type ConfigMapContent, readTrustAnchors, type TrustAnchors } from "./trust-anchors.ts";

/** A Secret, read as a certificate once it is needed: checking a key takes a millisecond, and most Secrets are something else. */
export class SecretInput {
  readonly #content: SecretContent;
  #certificate: CertificateContent | undefined;

  constructor(content: SecretContent) {
    this.#content = content;
  }

  get certificate(): CertificateContent {
    this.#certificate ??= readCertificate(this.#content);
    return this.#certificate;
  }

  /** Undefined: there is no password in it. */
  get credentials(): Credentials | undefined {
    const { username = "", password } = this.#content.data ?? {};
    if (password === undefined) return undefined;
    return { username: fromBase64(username), password: fromBase64(password) };
  }
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

/** Of a store that is shared. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A ConfigMap, read as trust anchors once somebody asks. */
export class ConfigMapInput {
  readonly #content: ConfigMapContent;
  #anchors: TrustAnchors | undefined;

  constructor(content: ConfigMapContent) {
    this.#content = content;
  }

  get anchors(): TrustAnchors {
    this.#anchors ??= readTrustAnchors(this.#content);
    return this.#anchors;
  }
}
