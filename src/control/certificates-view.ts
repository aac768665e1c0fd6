/** The mesh's certificates as `weft cert` shows them, and the orders to revoke them. */
import type { AuthorityStatus, CertificatesStatus, RevocationRequest } from "../api/index.ts";
import {
  type CertificateAuthority,
  type CertificateLedger,
  type KnownCertificate,
} from "../identity/index.ts";
import { describeCertificate, fingerprintOf, serialText } from "../identity/x509/index.ts";
import { type Log, WeftError } from "../kernel/index.ts";
import type { LedgerLink } from "./replicas/ledger-link.ts";
import type { ProxyDirectory } from "./proxy-directory.ts";

export interface CertificatesViewParts {
  readonly authority: CertificateAuthority;
  readonly ledger: CertificateLedger;
  readonly directory: ProxyDirectory;
  readonly log: Log;
  /** Makes it known to the other control planes first; absent: there are none. */
  readonly shared?: Pick<LedgerLink, "revoke" | "unrevoke"> | undefined;
}

export function certificatesStatus(parts: CertificatesViewParts): CertificatesStatus {
  const { authority, ledger, directory } = parts;
  const shown = new Set(
    directory.known().flatMap(({ certificate }) => (certificate === undefined ? [] : [keyOf(certificate)])),
  );
  const reasons = new Map(ledger.revoked.map((each) => [keyOf(each), each.reason]));
  const byCa = authority.revoked.map(({ issuer, serial }) =>
    keyOf({ issuer: Buffer.from(issuer).toString("hex"), serial: serialText(serial) }),
  );
  for (const key of byCa) reasons.set(key, revokedByCa);
  return {
    authorities: authorities(authority),
    certificates: ledger.all().map((each) => {
      const reason = reasons.get(keyOf(each));
      return {
        ...each,
        inUse: shown.has(keyOf(each)),
        ...(reason === undefined ? {} : { revoked: reason }),
      };
    }),
    revoked: [
      ...ledger.revoked.map(({ workload, identity, serial, reason, revokedMs, notAfterMs }) => ({
        ...{ workload, identity, serial, reason, revokedMs, notAfterMs },
      })),
      ...authority.revoked.map(({ serial }) => ({
        ...{ workload: "", identity: "", serial: serialText(serial), reason: revokedByCa },
        ...{ revokedMs: 0, notAfterMs: 0 },
      })),
    ],
  };
}

const revokedByCa = "revoked by the plugged-in CA";

/** Returns what was revoked, or is not any more. Rejects with `not_found`, `exhausted`, and `unavailable` where others cannot be told. */
export async function changeRevocation(
  { ledger, log, shared }: CertificatesViewParts,
  { action, name, reason }: RevocationRequest,
): Promise<readonly KnownCertificate[]> {
  const certificates = ledger.matching(name);
  if (action === "revoke") await revoke(ledger, shared, certificates, reason);
  else {
    if (ledger.unrevoke(certificates) === 0)
      throw new WeftError("not_found", `no certificate of ${name} is revoked`, {
        hint: "see weft cert list",
      });
    await shared?.unrevoke(certificates);
  }
  for (const { workload, serial, identity } of certificates)
    log.info(`certificate ${action}d`, { workload, serial, identity, reason });
  return certificates;
}

/** Here at once; where the others cannot be told it is taken back, and can be asked for again. */
async function revoke(
  ledger: CertificateLedger,
  shared: CertificatesViewParts["shared"],
  certificates: readonly KnownCertificate[],
  reason: string,
): Promise<void> {
  const before = new Set(ledger.revoked.map(keyOf));
  ledger.revoke(certificates, reason);
  try {
    await shared?.revoke(certificates, reason);
  } catch (error) {
    ledger.unrevoke(certificates.filter((each) => !before.has(keyOf(each))));
    throw error;
  }
}

function authorities(authority: CertificateAuthority): AuthorityStatus[] {
  const { roots, issuing } = authority.trust;
  const signing = new Set(authority.intermediatesOf(issuing).map((der) => fingerprintOf(der)));
  return [
    ...roots.map((der) => describe("root", der, fingerprintOf(der) === issuing)),
    ...authority.intermediates().map((der) => describe("intermediate", der, signing.has(fingerprintOf(der)))),
  ];
}

function describe(kind: "root" | "intermediate", der: Uint8Array, issuing: boolean): AuthorityStatus {
  const description = describeCertificate(der);
  return {
    kind,
    subject: description?.subject ?? "",
    fingerprint: fingerprintOf(der),
    notAfterMs: description?.notAfterMs ?? 0,
    trusted: kind === "root",
    issuing,
  };
}

function keyOf({ issuer, serial }: { readonly issuer: string; readonly serial: string }): string {
  return `${issuer} ${serial}`;
}
