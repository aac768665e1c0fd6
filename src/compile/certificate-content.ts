/**
 * What a Secret of type kubernetes.io/tls holds. What can be told without a clock is checked here: that chain and key can
 * be read and belong together. No message repeats anything of the content.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { StoredOfKind } from "../api/index.ts";

export type SecretContent = Pick<StoredOfKind<"Secret">, "type" | "data">;

export type CertificateContent =
  | { readonly kind: "valid"; readonly chainPem: string; readonly privateKeyPem: string }
  | { readonly kind: "invalid"; readonly message: string };

const tlsSecretType = "kubernetes.io/tls";
/** A chain is a leaf and one to three intermediates; the longest in use have fewer than ten. */
const maxChainLength = 16;

export function readCertificate({ type, data }: SecretContent): CertificateContent {
  if (type !== tlsSecretType) return invalid(`is of type ${type}, not ${tlsSecretType}`);
  const chain = parseChain(decode(data?.["tls.crt"]));
  if (typeof chain === "string") return invalid(`tls.crt ${chain}`);
  const key = parseKey(decode(data?.["tls.key"]));
  if (key === undefined) return invalid("tls.key holds no private key that can be read");
  const [leaf] = chain;
  // A self-signed leaf may call itself a CA; beside others, a CA in the first place means that the leaf is missing.
  if (leaf === undefined || !leaf.checkPrivateKey(key)) {
    return invalid("tls.key is not the key of the first certificate in tls.crt");
  }
  return {
    kind: "valid",
    // Written anew, so that what stands between the blocks is nobody's concern.
    chainPem: chain.map((certificate) => certificate.toString()).join(""),
    privateKeyPem: key.export({ type: "pkcs8", format: "pem" }),
  };
}

function invalid(message: string): CertificateContent {
  return { kind: "invalid", message };
}

function decode(base64: string | undefined): string {
  return base64 === undefined ? "" : Buffer.from(base64, "base64").toString("latin1");
}

/** A text says what is wrong. */
function parseChain(pem: string): readonly X509Certificate[] | string {
  const blocks = [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)];
  if (blocks.length === 0) return "holds no certificate in PEM";
  if (blocks.length > maxChainLength) return `holds more than ${maxChainLength} certificates`;
  const chain: X509Certificate[] = [];
  for (const [index, [block]] of blocks.entries()) {
    try {
      chain.push(new X509Certificate(block));
    } catch {
      return `holds a certificate that cannot be read, number ${index + 1}`;
    }
  }
  return chain;
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Whatever the library says of it stays out of every message.
    return undefined;
  }
}
