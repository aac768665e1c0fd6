/** What `weft cert` reads and asks for: roots, certificates, what is revoked, and how far a change of root has come. */
import { anyText } from "./formats.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

const safe = Number.MAX_SAFE_INTEGER;
const maxCertificates = 1_000_000;
const maxRevoked = 100_000;
const maxAuthorities = 64;
const maxProxies = 100_000;
/** A day: nobody waits for a proxy longer than its certificate lives. */
const maxForceSeconds = 86_400;

const fingerprint = "SHA-256 of the certificate in hex.";
const phases = ["trust", "issue", "retire", "retrust", "return", "withdraw"] as const;

const authoritySchema = object("One CA certificate.", {
  kind: oneOf("What it is.", ["root", "intermediate"]),
  subject: text("Its name.", anyText),
  fingerprint: text(fingerprint, anyText),
  notAfterMs: integer("When it ends, in Unix milliseconds.", 0, safe),
  trusted: flag("Chains may end in it."),
  issuing: flag("Certificates are issued beneath it now."),
});
export type AuthorityStatus = ValueOf<typeof authoritySchema>;

const certificateSchema = object("One certificate of a workload.", {
  workload: text("namespace/name of the workload that it is for.", anyText),
  identity: text("Its SPIFFE id.", anyText),
  serial: text("Its serial number in hex.", anyText),
  issuer: text("SHA-256 of its issuer's name in hex.", anyText),
  root: text("Fingerprint of the root that it leads to; empty: not known.", anyText),
  notBeforeMs: integer("When it was issued, in Unix milliseconds.", 0, safe),
  notAfterMs: integer("When it ends, in Unix milliseconds.", 0, safe),
  inUse: flag("A connected proxy shows it."),
  revoked: optional(text("Why it was revoked.", anyText)),
});
export type CertificateStatus = ValueOf<typeof certificateSchema>;

const revocationSchema = object("One revoked certificate.", {
  workload: text("Whose it was; empty where a plugged-in CA revoked it.", anyText),
  identity: text("Its SPIFFE id.", anyText),
  serial: text("Its serial number in hex.", anyText),
  reason: text("Why.", anyText),
  revokedMs: integer("When, in Unix milliseconds.", 0, safe),
  notAfterMs: integer("When it would have ended.", 0, safe),
});

export const certificatesSchema = object("The mesh's certificates.", {
  authorities: list("Roots and intermediates.", authoritySchema, { max: maxAuthorities }),
  certificates: list("Not expired, by workload, the newest first.", certificateSchema, {
    max: maxCertificates,
  }),
  revoked: list("Refused although not expired.", revocationSchema, { max: maxRevoked }),
});
export type CertificatesStatus = ValueOf<typeof certificatesSchema>;

export const rotationStatusSchema = object("How far a change of the root has come.", {
  phase: oneOf("What is under way.", ["none", ...phases]),
  aborting: flag("On its way back to the old root."),
  paused: flag("The phase is over, and the next one waits to be told."),
  pauseAfter: optional(oneOf("It will pause after this phase.", [...phases])),
  forceAfterSeconds: optional(
    integer("So long after a phase began, proxies that are away are not waited for.", 0, maxForceSeconds),
  ),
  from: text("Fingerprint of the old root; empty where nothing is under way.", anyText),
  to: text("Fingerprint of the new root.", anyText),
  startedMs: integer("When it began, in Unix milliseconds.", 0, safe),
  phaseStartedMs: integer("When the phase began.", 0, safe),
  done: integer("Proxies that have done the phase's part.", 0, safe),
  total: integer("Proxies that are known.", 0, safe),
  behind: list(
    "Those that have not.",
    object("One proxy.", {
      workload: text("namespace/name.", anyText),
      connected: flag("It has a stream open."),
      why: text("What it lacks.", anyText),
    }),
    { max: maxProxies },
  ),
  last: optional(
    object("The one before.", {
      outcome: oneOf("How it ended.", ["done", "aborted"]),
      finishedMs: integer("When, in Unix milliseconds.", 0, safe),
      from: text("Fingerprint of its old root.", anyText),
      to: text("Fingerprint of its new root.", anyText),
    }),
  ),
});
export type RotationStatus = ValueOf<typeof rotationStatusSchema>;

export const rotationRequestSchema = object("Begins, continues or aborts a change of the root.", {
  action: oneOf("What to do.", ["start", "continue", "abort"]),
  pauseAfter: optional(oneOf("Pause when this phase is over.", [...phases])),
  forceAfterSeconds: optional(
    integer("So long after a phase began, do not wait for proxies that are away.", 0, maxForceSeconds),
  ),
});
export type RotationRequest = ValueOf<typeof rotationRequestSchema>;

export const revocationRequestSchema = object("Revokes certificates, or takes that back.", {
  action: oneOf("What to do.", ["revoke", "unrevoke"]),
  name: text("namespace/name of a workload, for all its certificates; or one serial number in hex.", anyText),
  reason: text("Why, for those who ask later.", anyText, { default: "" }),
});
export type RevocationRequest = ValueOf<typeof revocationRequestSchema>;
