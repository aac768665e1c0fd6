/** The control plane's CA as its options say. */
import {
  CertificateAuthority,
  type PluggedFiles,
  readPassphrase,
  ServiceAccountTokens,
} from "../identity/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import type { DataDirectory } from "./data-directory.ts";

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
