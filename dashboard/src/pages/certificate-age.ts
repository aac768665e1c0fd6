/** How far into its life a certificate is, and whether somebody should look. */
import type { CertificatesStatus } from "../api/documents.ts";
import type { Level } from "../format/health.ts";

type AgingCertificate = Pick<
  CertificatesStatus["certificates"][number],
  "notBeforeMs" | "notAfterMs" | "revoked"
>;

interface CertificateAge {
  readonly level: Level;
  readonly word: string;
  /** Of its life, from 0 to 1. */
  readonly used: number;
}

/** Proxies renew at half of the life; past 80 % something keeps them from it. */
export function certificateAge(
  { notBeforeMs, notAfterMs, revoked }: AgingCertificate,
  nowMs: number,
): CertificateAge {
  const used = Math.min(1, Math.max(0, (nowMs - notBeforeMs) / Math.max(1, notAfterMs - notBeforeMs)));
  if (revoked !== undefined) return { level: "bad", word: "revoked", used };
  if (nowMs >= notAfterMs) return { level: "bad", word: "expired", used };
  if (used >= 0.9) return { level: "bad", word: "ends soon", used };
  return used >= 0.8 ? { level: "note", word: "late", used } : { level: "ok", word: "good", used };
}
