/**
 * A certificate that a gateway shows, prepared: the identity for TLS, made once and kept for as long as its resource does
 * not change, since TLS contexts are cached by it; and what may be told about it, which never holds the key.
 */
import { X509Certificate } from "node:crypto";
import { errorLine, WeftError } from "../../kernel/index.ts";
import type { Certificate } from "../../model/index.ts";
import type { KeyKind, TlsIdentity } from "../../net/index.ts";

export interface CertificateSummary {
  /** "namespace/name" of the Secret. */
  readonly name: string;
  /** Names that the certificate is for, lower case. */
  readonly dnsNames: readonly string[];
  readonly serial: string;
  /** Which clients can verify it. */
  readonly keyKind: KeyKind;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 of the leaf, lower-case hex. */
  readonly fingerprint: string;
}

/** Each has a TLS context of its own. */
const maxTrusted = 16;

export class GatewayCertificate {
  readonly summary: CertificateSummary;
  /** Private, so that nothing that prints or serialises the object reaches the key. */
  readonly #identity: TlsIdentity;
  /** The same, trusting what checks the certificates of clients, by those anchors. */
  readonly #trusting = new Map<string, TlsIdentity>();

  private constructor(summary: CertificateSummary, identity: TlsIdentity) {
    this.summary = summary;
    this.#identity = identity;
  }

  /** Throws `bad_input` where the chain begins with no certificate. */
  static prepare(name: string, certificate: Certificate): GatewayCertificate {
    const leaf = parseLeaf(certificate.certificateChainPem);
    if (certificate.privateKeyPem === "") throw new WeftError("bad_input", "the certificate has no key");
    return new GatewayCertificate(
      {
        name,
        dnsNames: dnsNamesOf(leaf),
        keyKind: keyKindOf(leaf),
        serial: leaf.serialNumber.toLowerCase(),
        notBeforeMs: Date.parse(leaf.validFrom),
        notAfterMs: Date.parse(leaf.validTo),
        fingerprint: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
      },
      {
        certChainPem: certificate.certificateChainPem,
        privateKeyPem: certificate.privateKeyPem,
        trustRootsPem: "",
      },
    );
  }

  /** The same object every time. */
  get identity(): TlsIdentity {
    return this.#identity;
  }

  /** For a listener that checks its clients: the same object every time for the same anchors. */
  trusting(caPem: string): TlsIdentity {
    const known = this.#trusting.get(caPem);
    if (known !== undefined) return known;
    // Anchors that nobody uses any more go with the first ones that come after them.
    if (this.#trusting.size >= maxTrusted) this.#trusting.clear();
    const identity = { ...this.#identity, trustRootsPem: caPem };
    this.#trusting.set(caPem, identity);
    return identity;
  }

  /** The same certificate, as it comes again on a new stream. */
  isSame(other: GatewayCertificate): boolean {
    const { certChainPem, privateKeyPem } = this.#identity;
    const { identity, summary } = other;
    return (
      summary.name === this.summary.name &&
      identity.certChainPem === certChainPem &&
      identity.privateKeyPem === privateKeyPem
    );
  }

  /** Whether it has the whole name. `serverName` in lower case. */
  isExactlyFor(serverName: string): boolean {
    return this.summary.dnsNames.includes(serverName);
  }

  /** `serverName` in lower case. A wildcard in a certificate stands for exactly one label (RFC 9525 section 6.3). */
  isFor(serverName: string): boolean {
    const dot = serverName.indexOf(".");
    const wildcard = dot > 0 ? `*${serverName.slice(dot)}` : undefined;
    return this.summary.dnsNames.some((name) => name === serverName || name === wildcard);
  }
}

function parseLeaf(chainPem: string): X509Certificate {
  try {
    // Of several it reads the first.
    return new X509Certificate(chainPem);
  } catch (cause) {
    throw new WeftError("bad_input", `the certificate cannot be read: ${errorLine(cause)}`, { cause });
  }
}

const curves: Readonly<Record<string, KeyKind>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};

function keyKindOf({ publicKey }: X509Certificate): KeyKind {
  if (publicKey.asymmetricKeyType === "rsa") return "RSA";
  return curves[publicKey.asymmetricKeyDetails?.namedCurve ?? ""] ?? "other";
}

/** Names that could never be a server name are left out, however they came into a certificate. */
function dnsNamesOf(leaf: X509Certificate): string[] {
  return (leaf.subjectAltName ?? "").split(", ").flatMap((entry) => {
    const name = /^DNS:([\w.*-]+)$/.exec(entry)?.[1];
    return name === undefined ? [] : [name.toLowerCase()];
  });
}
