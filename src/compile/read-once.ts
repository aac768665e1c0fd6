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
