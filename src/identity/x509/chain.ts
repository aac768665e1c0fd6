/** Verifies a chain of certificates outside of a TLS handshake: what is read from disk, and what `weft check` looks at. */
import { X509Certificate } from "node:crypto";
import { type CertificateDescription, describeCertificate } from "./certificate.ts";

export interface ChainToVerify {
  /** DER, leaf first; the root may be left out. */
  readonly chain: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  readonly nowMs: number;
}

/** Longer chains than root, intermediate and leaf exist elsewhere, not here; each costs one signature check. */
const maxChainLength = 5;

/** Undefined: it holds. Else why not, for a log. */
export function verifyChain(input: ChainToVerify): string | undefined {
  if (input.chain.length === 0) return "the chain is empty";
  if (input.chain.length > maxChainLength) return `the chain has more than ${maxChainLength} certificates`;
  for (const [index, der] of input.chain.entries()) {
    const description = describeCertificate(der);
    if (description === undefined) return `certificate ${index} of the chain cannot be read`;
    const problem = checkOne(description, index, input.nowMs);
    if (problem !== undefined) return problem;
  }
  for (const [index, der] of input.chain.entries()) {
    const issuer = input.chain[index + 1];
    if (issuer !== undefined && !isIssuedBy(der, issuer)) {
      return `certificate ${index} of the chain is not signed by the next one`;
    }
  }
  const last = input.chain.at(-1) ?? new Uint8Array();
  const isAnchored = input.roots.some((root) => anchors(root, last, input));
  return isAnchored ? undefined : "the chain does not end in a trusted root";
}

function checkOne(description: CertificateDescription, index: number, nowMs: number): string | undefined {
  if (nowMs < description.notBeforeMs) return `certificate ${index} of the chain is not valid yet`;
  if (nowMs >= description.notAfterMs) return `certificate ${index} of the chain is expired`;
  if (index === 0) return undefined;
  if (!description.isCa) return `certificate ${index} of the chain is no CA`;
  const below = index - 1;
  return description.pathLength !== undefined && below > description.pathLength
    ? `certificate ${index} of the chain allows no CA below it`
    : undefined;
}

function anchors(root: Uint8Array, last: Uint8Array, input: ChainToVerify): boolean {
  if (Buffer.compare(root, last) === 0) return true;
  const description = describeCertificate(root);
  if (description === undefined || checkOne(description, input.chain.length, input.nowMs) !== undefined)
    return false;
  return isIssuedBy(last, root);
}

function isIssuedBy(der: Uint8Array, issuerDer: Uint8Array): boolean {
  const certificate = new X509Certificate(der);
  const issuer = new X509Certificate(issuerDer);
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
