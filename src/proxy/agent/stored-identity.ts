/** The proxy's key and certificate on disk: one file, mode 0600, whole or absent. Only what is still good is given back. */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import {
  describeCertificate,
  pemToDer,
  readPrivateFileSync,
  verifyChain,
} from "../../identity/x509/index.ts";
import type { SpiffeId } from "../../kernel/index.ts";
import type { TlsIdentity } from "../../net/index.ts";

export interface HeldIdentity extends TlsIdentity {
  readonly id: SpiffeId;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface Expected {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Roots of the mesh that this proxy was told to join. */
  readonly trustRootsPem: string;
  readonly nowMs: number;
}

/** A text: why it cannot be used. Undefined: there is none. Throws where the file cannot be read. */
export function loadIdentity(path: string, expected: Expected): HeldIdentity | string | undefined {
  const bytes = readPrivateFileSync(path);
  if (bytes === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return "the file is damaged";
  }
  if (!isTlsIdentity(parsed)) return "the file is damaged";
  // The mesh may have changed its root since this proxy was told the one to join by.
  const joinedUnder = "joinedUnderPem" in parsed ? String(parsed.joinedUnderPem) : "";
  const isSameMesh = shareRoot(joinedUnder, expected.trustRootsPem);
  const { certChainPem, privateKeyPem, trustRootsPem } = parsed;
  return checkIdentity(
    { certChainPem, privateKeyPem, trustRootsPem },
    {
      ...expected,
      trustRootsPem: isSameMesh ? expected.trustRootsPem + trustRootsPem : expected.trustRootsPem,
    },
  );
}

/** `joinedUnderPem`: the roots by which the proxy was told to know its mesh. */
export function encodeIdentity(
  { certChainPem, privateKeyPem, trustRootsPem }: TlsIdentity,
  joinedUnderPem: string,
): string {
  return JSON.stringify({ certChainPem, privateKeyPem, trustRootsPem, joinedUnderPem });
}

/** Whether the leaf's chain leads to the root with that SHA-256. Undefined: the root is not among those. */
export function isBeneath(identity: TlsIdentity, root: Uint8Array, nowMs: number): boolean | undefined {
  const rootDer = pemToDer(identity.trustRootsPem).find((der) => Buffer.compare(sha256(der), root) === 0);
  if (rootDer === undefined) return undefined;
  return verifyChain({ chain: pemToDer(identity.certChainPem), roots: [rootDer], nowMs }) === undefined;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function shareRoot(a: string, b: string): boolean {
  const others = pemToDer(b);
  return pemToDer(a).some((root) => others.some((other) => Buffer.compare(root, other) === 0));
}

/** Whether key, chain, roots and identity fit together and to this workload. A text: why not. */
export function checkIdentity(identity: TlsIdentity, expected: Expected): HeldIdentity | string {
  const chain = pemToDer(identity.certChainPem);
  const roots = pemToDer(identity.trustRootsPem);
  const leaf = chain[0];
  const description = leaf === undefined ? undefined : describeCertificate(leaf);
  if (leaf === undefined || description?.identity === undefined)
    return "the certificate names no identity of the mesh";
  const { identity: id, notBeforeMs, notAfterMs } = description;
  if (id.namespace !== expected.namespace || id.serviceAccount !== expected.serviceAccount) {
    return `the certificate is for ${id.namespace}/${id.serviceAccount}`;
  }
  // A mesh that was made anew has other roots: a certificate of the old one would only be refused by everybody.
  if (!shareRoot(identity.trustRootsPem, expected.trustRootsPem)) {
    return "the certificate is of another mesh";
  }
  const problem = verifyChain({ chain, roots, nowMs: expected.nowMs });
  if (problem !== undefined) return problem;
  if (!isKeyOf(identity.privateKeyPem, leaf)) return "the key does not belong to the certificate";
  return { ...identity, id, notBeforeMs, notAfterMs };
}

function isKeyOf(privateKeyPem: string, leaf: Uint8Array): boolean {
  try {
    return new X509Certificate(leaf).checkPrivateKey(createPrivateKey(privateKeyPem));
  } catch {
    return false;
  }
}

function isTlsIdentity(value: unknown): value is TlsIdentity {
  if (typeof value !== "object" || value === null) return false;
  const names = ["certChainPem", "privateKeyPem", "trustRootsPem"];
  const fields = new Map<string, unknown>(Object.entries(value));
  return names.every((name) => typeof fields.get(name) === "string");
}
