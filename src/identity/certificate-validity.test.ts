/** What is read of a certificate in short is what its description says. */
import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CertificateAuthority } from "./index.ts";
import { certificateValidity, describeCertificate } from "./x509/index.ts";

test("the validity alone is the description's, and bytes that are no certificate have none", () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-certificate-"));
  try {
    const authority = CertificateAuthority.open(directory);
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const id = { trustDomain: authority.trustDomain, namespace: "shop", serviceAccount: "web" };
    const [der = new Uint8Array(0)] = authority.issue(publicKey, id).chain;
    authority.close();
    const { notBeforeMs = 0, notAfterMs = 0 } = describeCertificate(der) ?? {};
    expect(notAfterMs).toBeGreaterThan(notBeforeMs);
    expect(certificateValidity(der)).toEqual({ notBeforeMs, notAfterMs });
    for (let length = 0; length < 100; length += 7) {
      expect(certificateValidity(der.subarray(0, length))).toBeUndefined();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
