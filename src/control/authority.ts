/** The control plane's CA as its options say, and what it learns of certificates that proxies show. */
import {
  CertificateAuthority,
  type CertificateLedger,
  type PluggedFiles,
  readPassphrase,
  ServiceAccountTokens,
} from "../identity/index.ts";
import { certificateNumber, describeCertificate, serialText } from "../identity/x509/index.ts";
import { type Clock, formatSpiffeId, type Log, type SpiffeId } from "../kernel/index.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { TrustControl } from "./trust-control.ts";

export interface AuthoritySettings {
  readonly trustDomain?: string;
  readonly passphraseFile?: string;
  readonly plugged?: PluggedFiles;
  readonly log: Log;
}

/** Throws for files that cannot be used, with all that is wrong with them. */
export function openAuthority(
  { trustDomain, passphraseFile, plugged, log }: AuthoritySettings,
  data: DataDirectory,
  clock: Clock,
): CertificateAuthority {
  return CertificateAuthority.open(data.authorityDirectory, {
    clock,
    log,
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...(passphraseFile === undefined ? {} : { passphrase: readPassphrase(passphraseFile) }),
    ...(plugged === undefined ? {} : { plugged }),
  });
}

/** Undefined: none are taken. */
export function tokensOf(
  {
    serviceAccountTokens,
  }: { readonly serviceAccountTokens?: { readonly issuer: string; readonly jwks: string } },
  ledger: SpentProofs,
  clock: Clock,
): ServiceAccountTokens | undefined {
  if (serviceAccountTokens === undefined) return undefined;
  const spend = (proof: string, untilMs: number) => ledger.spend(proof, untilMs);
  return new ServiceAccountTokens({ ...serviceAccountTokens, clock, spend });
}

interface SpentProofs {
  /** False: it was used before. */
  spend(proof: string, untilMs: number): boolean | Promise<boolean>;
}

/** Also those from before there was a list, so that they can be revoked. */
export function noteShown(
  { ledger, trust }: { readonly ledger: CertificateLedger; readonly trust: TrustControl },
  workload: string,
  id: SpiffeId,
  der: Uint8Array,
): void {
  const number = certificateNumber(der);
  const description = describeCertificate(der);
  if (number === undefined || description === undefined) return;
  const name = { issuer: Buffer.from(number.issuer).toString("hex"), serial: serialText(number.serial) };
  if (ledger.find(name.issuer, name.serial) !== undefined) return;
  const { notBeforeMs, notAfterMs } = description;
  const root = trust.rootOf(name) ?? "";
  ledger.note({ ...name, workload, identity: formatSpiffeId(id), root, notBeforeMs, notAfterMs });
}
